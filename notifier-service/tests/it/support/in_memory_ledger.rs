use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use notifier_service::entities::{
    Answer, Attempt, AttemptOutcome, Claimed, Lease, LeaseToken, LedgerEntry, MailFilter, MailState,
    Notification, NotificationId, NotificationKind, Recipient, StateCounts,
};
use notifier_service::repositories::{
    DueMail, KEPT_ATTEMPTS, LedgerCounts, LedgerError, LedgerRetention, LedgerWatch, MonotonicClock,
    NotificationLedger, OperatorLedger, Page, PageStart, RecordedCount, SuppressedAddresses,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Queued,
    Sent,
    Dead,
    Cancelled,
}

#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) notification: Notification,
    pub(crate) state: State,
    pub(crate) attempts: u32,
    pub(crate) last_error: Option<String>,
    pub(crate) log: Vec<Attempt>,
    age: Duration,
    due_at: Duration,
    lease: Option<(LeaseToken, Duration)>,
    recorded_at: Duration,
    finished_at: Option<Duration>,
    erased_at: Option<Duration>,
    requeued: u32,
}

#[derive(Default)]
struct Table {
    rows: Vec<Row>,
    claims: u128,
    failures: u32,
    suppressed: BTreeMap<String, (NotificationId, Duration)>,
}

impl Table {
    /// The places of the rows that can be claimed, in the order in which they are.
    fn free(&self, now: Duration) -> Vec<usize> {
        let mut free: Vec<usize> = (0..self.rows.len())
            .filter(|index| {
                let row = &self.rows[*index];
                let earlier = self.rows[..*index].iter().any(|earlier| {
                    earlier.state == State::Queued && earlier.goes_to_the_same(&row.notification)
                });
                row.state == State::Queued
                    && row.due_at <= now
                    && row.lease.is_none_or(|(_, until)| until <= now)
                    && !earlier
            })
            .collect();
        free.sort_by_key(|index| (self.rows[*index].due_at, *index));
        free
    }
}

/// Time since an event, by a clock that starts with the year 1970.
fn since(event: DateTime<Utc>, now: Duration) -> Duration {
    now.saturating_sub((event - DateTime::UNIX_EPOCH).to_std().unwrap())
}

/// A ledger that keeps its rows in memory and its time by a given clock. It passes the same contract suite
/// as the real ones.
pub(crate) struct InMemoryLedger {
    clock: Arc<dyn MonotonicClock>,
    table: Mutex<Table>,
}

impl InMemoryLedger {
    pub(crate) fn new(clock: Arc<dyn MonotonicClock>) -> Arc<Self> {
        Arc::new(Self { clock, table: Mutex::default() })
    }

    /// Makes the next so many calls fail as if the database were away.
    pub(crate) fn fail_next(&self, calls: u32) {
        self.table.lock().unwrap().failures = calls;
    }

    /// How many calls are still to fail.
    pub(crate) fn failures_left(&self) -> u32 {
        self.table.lock().unwrap().failures
    }

    /// Gives every lease to somebody else, as if it had ended and another worker had claimed the row.
    pub(crate) fn take_over(&self) {
        for row in &mut self.table.lock().unwrap().rows {
            row.lease = row.lease.map(|(_, until)| (LeaseToken([0xff; 16]), until));
        }
    }

    /// The rows in recorded order.
    pub(crate) fn rows(&self) -> Vec<Row> {
        self.table.lock().unwrap().rows.clone()
    }

    fn access<T>(
        &self,
        work: impl FnOnce(&mut Table, Duration) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let mut table = self.table.lock().unwrap();
        if table.failures > 0 {
            table.failures -= 1;
            return Err(LedgerError::Unavailable("the database is away".into()));
        }
        work(&mut table, self.clock.now())
    }

    fn conclude(
        &self,
        lease: &Lease,
        outcome: Option<(AttemptOutcome, &Answer)>,
        work: impl FnOnce(&mut Row, Duration),
    ) -> Result<(), LedgerError> {
        self.access(|table, now| {
            let row = table.rows.iter_mut().find(|row| row.is_held_by(lease));
            let row = row.ok_or(LedgerError::LeaseLost(lease.id))?;
            row.lease = None;
            work(row, now);
            row.finished_at = (row.state != State::Queued).then_some(now);
            if let Some((outcome, answer)) = outcome {
                let words = Some(answer.words.chars().take(1000).collect());
                let recorded_at = DateTime::UNIX_EPOCH + now;
                row.log.push(Attempt { recorded_at, outcome, stage: answer.stage, words });
                let too_many = row.log.len().saturating_sub(KEPT_ATTEMPTS as usize);
                row.log.drain(..too_many);
            }
            Ok(())
        })
    }
}

impl Row {
    fn is_held_by(&self, lease: &Lease) -> bool {
        self.notification.id == lease.id
            && self.state == State::Queued
            && self.lease.is_some_and(|(token, _)| token == lease.token)
    }

    fn goes_to_the_same(&self, other: &Notification) -> bool {
        self.notification.user_id == other.user_id && self.notification.recipient == other.recipient
    }
}

#[async_trait]
impl NotificationLedger for InMemoryLedger {
    async fn record(&self, batch: &[Notification]) -> Result<RecordedCount, LedgerError> {
        self.access(|table, now| {
            let too_long = |one: &Notification| {
                one.recipient.as_str().chars().count() > 320 || one.username.chars().count() > 255
            };
            if batch.iter().any(too_long) {
                return Err(LedgerError::Rejected("a value is too long".into()));
            }
            let mut known: BTreeMap<NotificationId, ()> =
                table.rows.iter().map(|row| (row.notification.id, ())).collect();
            let mut new = 0;
            for notification in batch {
                if known.insert(notification.id, ()).is_none() {
                    new += 1;
                    table.rows.push(Row {
                        notification: notification.clone(),
                        state: State::Queued,
                        attempts: 0,
                        last_error: None,
                        log: Vec::new(),
                        age: Duration::ZERO,
                        due_at: now,
                        lease: None,
                        recorded_at: now,
                        finished_at: None,
                        erased_at: None,
                        requeued: 0,
                    });
                }
            }
            Ok(RecordedCount { new })
        })
    }

    async fn claim(&self, max: u32, lease: Duration) -> Result<Vec<Claimed>, LedgerError> {
        self.access(|table, now| {
            table.claims += 1;
            let token = LeaseToken(table.claims.to_be_bytes());
            let mut free = table.free(now);
            free.truncate(max as usize);
            Ok(free
                .into_iter()
                .map(|index| {
                    let row = &mut table.rows[index];
                    row.lease = Some((token, now + lease));
                    Claimed {
                        notification: row.notification.clone(),
                        attempts: row.attempts,
                        age: row.age,
                        since_event: row.notification.occurred_at.map(|event| since(event, now)),
                        lease: Lease { id: row.notification.id, token },
                    }
                })
                .collect())
        })
    }

    async fn time_left(&self, lease: &Lease) -> Result<Duration, LedgerError> {
        self.access(|table, now| {
            let row = table.rows.iter().find(|row| row.is_held_by(lease));
            let until = row.and_then(|row| row.lease).ok_or(LedgerError::LeaseLost(lease.id))?.1;
            Ok(until.saturating_sub(now))
        })
    }

    async fn mark_sent(&self, lease: &Lease, answer: &Answer) -> Result<(), LedgerError> {
        self.conclude(lease, Some((AttemptOutcome::Sent, answer)), |row, _| {
            row.state = State::Sent;
            row.attempts += 1;
            row.last_error = None;
        })
    }

    async fn put_off(&self, lease: &Lease, after: Duration, answer: &Answer) -> Result<(), LedgerError> {
        self.conclude(lease, Some((AttemptOutcome::PutOff, answer)), |row, now| {
            row.due_at = now + after;
            row.attempts += 1;
            row.last_error = Some(answer.words.clone());
        })?;
        let mut table = self.table.lock().unwrap();
        let first = table.rows.iter().position(|row| row.notification.id == lease.id).unwrap();
        let head = table.rows[first].notification.clone();
        for row in &mut table.rows[first..] {
            if row.state == State::Queued && row.goes_to_the_same(&head) {
                row.age += after;
            }
        }
        Ok(())
    }

    async fn mark_unavailable(&self, lease: &Lease, answer: &Answer) -> Result<(), LedgerError> {
        self.conclude(lease, Some((AttemptOutcome::ServerUnavailable, answer)), |row, now| {
            row.due_at = now;
            row.last_error = Some(answer.words.clone());
        })
    }

    async fn mark_dead(&self, lease: &Lease, answer: &Answer) -> Result<(), LedgerError> {
        self.conclude(lease, Some((AttemptOutcome::Dead, answer)), |row, _| {
            row.state = State::Dead;
            row.attempts += 1;
            row.last_error = Some(answer.words.clone());
        })
    }

    async fn release(&self, lease: &Lease) -> Result<(), LedgerError> {
        self.conclude(lease, None, |_, _| {})
    }

    async fn attempts(&self, id: NotificationId) -> Result<Vec<Attempt>, LedgerError> {
        self.access(|table, _| {
            let row = table.rows.iter().find(|row| row.notification.id == id);
            Ok(row.map(|row| row.log.clone()).unwrap_or_default())
        })
    }

    async fn counts(&self) -> Result<LedgerCounts, LedgerError> {
        self.access(|table, _| {
            let count = |state| table.rows.iter().filter(|row| row.state == state).count() as u64;
            Ok(LedgerCounts {
                queued: count(State::Queued),
                sent: count(State::Sent),
                dead: count(State::Dead),
            })
        })
    }
}

/// An address with its domain in lower case.
fn normal(address: &Recipient) -> String {
    let (local, domain) = address.as_str().rsplit_once('@').unwrap();
    format!("{local}@{}", domain.to_lowercase())
}

#[async_trait]
impl LedgerWatch for InMemoryLedger {
    async fn next_due(&self) -> Result<Option<DueMail>, LedgerError> {
        self.access(|table, now| {
            let next = table.free(now).first().map(|index| &table.rows[*index]);
            Ok(next.map(|row| DueMail { id: row.notification.id, due_for: now - row.due_at }))
        })
    }

    async fn count_suppressed(&self) -> Result<u64, LedgerError> {
        self.access(|table, now| {
            Ok(table.suppressed.values().filter(|(_, until)| *until > now).count() as u64)
        })
    }
}

#[async_trait]
impl SuppressedAddresses for InMemoryLedger {
    async fn suppress(
        &self,
        address: &Recipient,
        time: Duration,
        refused: NotificationId,
    ) -> Result<(), LedgerError> {
        self.access(|table, now| {
            let entry = table.suppressed.entry(normal(address)).or_insert((refused, now));
            *entry = (refused, entry.1.max(now + time));
            Ok(())
        })
    }

    async fn find(&self, address: &Recipient) -> Result<Option<NotificationId>, LedgerError> {
        self.access(|table, now| {
            let found = table.suppressed.get(&normal(address));
            Ok(found.filter(|(_, until)| *until > now).map(|(refused, _)| *refused))
        })
    }

    async fn lift(&self, address: &Recipient) -> Result<(), LedgerError> {
        self.access(|table, _| {
            table.suppressed.remove(&normal(address));
            Ok(())
        })
    }
}

impl Row {
    fn erase(&mut self, now: Duration) {
        self.erased_at = Some(now);
        self.last_error = None;
        for attempt in &mut self.log {
            attempt.words = None;
        }
        self.notification = Notification {
            recipient: Recipient::new(""),
            username: String::new(),
            full_name: None,
            changed: vec![],
            other_address: None,
            traceparent: None,
            ..self.notification.clone()
        };
    }
}

impl Table {
    /// The places of the rows that were erased first and so long ago.
    fn to_forget(&self, age: Duration, max: u32, now: Duration) -> Vec<usize> {
        let is_old = |row: &Row| row.erased_at.is_some_and(|at| at + age <= now);
        let mut old: Vec<_> = (0..self.rows.len()).filter(|at| is_old(&self.rows[*at])).collect();
        old.sort_by_key(|at| self.rows[*at].erased_at);
        old.truncate(max as usize);
        old
    }
}

#[async_trait]
impl LedgerRetention for InMemoryLedger {
    async fn erase_finished(&self, age: Duration, max: u32) -> Result<u64, LedgerError> {
        self.access(|table, now| {
            let is_due =
                |row: &&mut Row| row.erased_at.is_none() && row.finished_at.is_some_and(|at| at + age <= now);
            let erased = table.rows.iter_mut().filter(is_due).take(max as usize).map(|row| row.erase(now));
            Ok(erased.count() as u64)
        })
    }

    async fn erase_deleted_users(&self, max: u32) -> Result<u64, LedgerError> {
        self.access(|table, now| {
            let is_gone = |user| {
                let mut of_user = table.rows.iter().filter(|row| row.notification.user_id == user);
                of_user.clone().any(|row| row.notification.kind == NotificationKind::Deleted)
                    && of_user.all(|row| row.state != State::Queued)
            };
            let gone: Vec<_> = table.rows.iter().map(|row| is_gone(row.notification.user_id)).collect();
            let to_erase =
                table.rows.iter_mut().zip(gone).filter(|(row, gone)| *gone && row.erased_at.is_none());
            Ok(to_erase.take(max as usize).map(|(row, _)| row.erase(now)).count() as u64)
        })
    }

    async fn latest_to_forget(&self, age: Duration, max: u32) -> Result<Option<DateTime<Utc>>, LedgerError> {
        self.access(|table, now| {
            let rows = table.to_forget(age, max, now).into_iter().map(|at| table.rows[at].recorded_at);
            Ok(rows.max().map(|at| DateTime::UNIX_EPOCH + at))
        })
    }

    async fn forget(&self, age: Duration, recorded_by: DateTime<Utc>, max: u32) -> Result<u64, LedgerError> {
        self.access(|table, now| {
            let mut to_forget = table.to_forget(age, max, now);
            to_forget.retain(|at| DateTime::UNIX_EPOCH + table.rows[*at].recorded_at <= recorded_by);
            let mut at = 0;
            table.rows.retain(|_| {
                at += 1;
                !to_forget.contains(&(at - 1))
            });
            Ok(to_forget.len() as u64)
        })
    }
}

impl Row {
    fn entry(&self, place: usize, now: Duration) -> LedgerEntry {
        let at = |time: Duration| DateTime::UNIX_EPOCH + time;
        let Notification { recipient, .. } = &self.notification;
        LedgerEntry {
            place: place as i64 + 1,
            id: self.notification.id,
            event_id: self.notification.event_id,
            user_id: self.notification.user_id,
            kind: self.notification.kind.as_str().to_owned(),
            recipient: (!recipient.as_str().is_empty()).then(|| recipient.clone()),
            state: match self.state {
                State::Queued => MailState::Queued,
                State::Sent => MailState::Sent,
                State::Dead => MailState::Dead,
                State::Cancelled => MailState::Cancelled,
            },
            is_being_sent: self.is_held(now),
            attempts: self.attempts,
            requeued: self.requeued,
            recorded_at: at(self.recorded_at),
            due_at: at(self.due_at),
            finished_at: self.finished_at.map(at),
            since_event: self.notification.occurred_at.map(|event| since(event, now)),
            has_link: self.notification.security_version.is_some(),
            last_words: self.last_error.clone(),
        }
    }

    fn is_held(&self, now: Duration) -> bool {
        self.state == State::Queued && self.lease.is_some_and(|(_, until)| until > now)
    }
}

fn fits(filter: &MailFilter, entry: &LedgerEntry) -> bool {
    let MailFilter { state, kind, user_id, recipient, words, requeued_less_than } = filter;
    let address = entry.recipient.as_ref().map(Recipient::as_str);
    state.is_none_or(|state| state == entry.state)
        && kind.as_ref().is_none_or(|kind| *kind == entry.kind)
        && user_id.is_none_or(|user| user == entry.user_id)
        && recipient.as_deref().is_none_or(|recipient| Some(recipient) == address)
        && words.as_ref().is_none_or(|words| entry.last_words.as_ref().is_some_and(|it| it.contains(words)))
        && requeued_less_than.is_none_or(|times| entry.requeued < times)
}

#[async_trait]
impl OperatorLedger for InMemoryLedger {
    async fn count_states(&self) -> Result<StateCounts, LedgerError> {
        self.access(|table, _| {
            let count = |state| table.rows.iter().filter(|row| row.state == state).count() as u64;
            Ok(StateCounts {
                queued: count(State::Queued),
                sent: count(State::Sent),
                dead: count(State::Dead),
                cancelled: count(State::Cancelled),
            })
        })
    }

    async fn list(&self, filter: &MailFilter, page: Page) -> Result<Vec<LedgerEntry>, LedgerError> {
        self.access(|table, now| {
            let entries = table.rows.iter().enumerate().map(|(place, row)| row.entry(place, now));
            let mut entries: Vec<_> = entries.filter(|entry| fits(filter, entry)).collect();
            match page.from {
                PageStart::Newest => entries.reverse(),
                PageStart::Before(place) => {
                    entries.retain(|entry| entry.place < place);
                    entries.reverse();
                }
                PageStart::After(place) => entries.retain(|entry| entry.place > place),
            }
            entries.truncate(page.limit as usize);
            Ok(entries)
        })
    }

    async fn entry(&self, id: NotificationId) -> Result<Option<LedgerEntry>, LedgerError> {
        self.access(|table, now| {
            let found = table.rows.iter().position(|row| row.notification.id == id);
            Ok(found.map(|place| table.rows[place].entry(place, now)))
        })
    }

    async fn requeue(&self, id: NotificationId, after: Duration) -> Result<bool, LedgerError> {
        self.access(|table, now| {
            let can_be = |row: &&mut Row| {
                row.notification.id == id && row.state != State::Queued && row.erased_at.is_none()
            };
            let Some(row) = table.rows.iter_mut().find(can_be) else { return Ok(false) };
            row.state = State::Queued;
            row.requeued += 1;
            row.attempts = 0;
            row.age = Duration::ZERO;
            row.due_at = now + after;
            row.finished_at = None;
            row.lease = None;
            Ok(true)
        })
    }

    async fn cancel(&self, id: NotificationId) -> Result<bool, LedgerError> {
        self.access(|table, now| {
            let can_be =
                |row: &&mut Row| row.notification.id == id && row.state == State::Queued && !row.is_held(now);
            let Some(row) = table.rows.iter_mut().find(can_be) else { return Ok(false) };
            row.state = State::Cancelled;
            row.finished_at = Some(now);
            row.lease = None;
            Ok(true)
        })
    }
}
