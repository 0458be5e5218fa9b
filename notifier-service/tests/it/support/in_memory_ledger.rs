use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use notifier_service::entities::{Claimed, Lease, LeaseToken, Notification, NotificationId};
use notifier_service::repositories::{
    LedgerCounts, LedgerError, MonotonicClock, NotificationLedger, RecordedCount,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Queued,
    Sent,
    Dead,
}

#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) notification: Notification,
    pub(crate) state: State,
    pub(crate) attempts: u32,
    pub(crate) last_error: Option<String>,
    recorded_at: Duration,
    due_at: Duration,
    lease: Option<(LeaseToken, Duration)>,
}

#[derive(Default)]
struct Table {
    rows: Vec<Row>,
    claims: u128,
    failures: u32,
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

    fn fenced(&self, lease: &Lease, work: impl FnOnce(&mut Row, Duration)) -> Result<(), LedgerError> {
        self.access(|table, now| {
            let row = table.rows.iter_mut().find(|row| {
                row.notification.id == lease.id
                    && row.state == State::Queued
                    && row.lease.is_some_and(|(token, _)| token == lease.token)
            });
            let row = row.ok_or(LedgerError::LeaseLost(lease.id))?;
            row.lease = None;
            work(row, now);
            Ok(())
        })
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
                        recorded_at: now,
                        due_at: now,
                        lease: None,
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
            let mut free: Vec<usize> = (0..table.rows.len())
                .filter(|index| {
                    let row = &table.rows[*index];
                    let earlier = table.rows[..*index].iter().any(|earlier| {
                        earlier.state == State::Queued
                            && earlier.notification.user_id == row.notification.user_id
                            && earlier.notification.recipient == row.notification.recipient
                    });
                    row.state == State::Queued
                        && row.due_at <= now
                        && row.lease.is_none_or(|(_, until)| until <= now)
                        && !earlier
                })
                .collect();
            free.sort_by_key(|index| (table.rows[*index].due_at, *index));
            free.truncate(max as usize);
            Ok(free
                .into_iter()
                .map(|index| {
                    let row = &mut table.rows[index];
                    row.lease = Some((token, now + lease));
                    Claimed {
                        notification: row.notification.clone(),
                        attempts: row.attempts,
                        age: now - row.recorded_at,
                        since_event: row.notification.occurred_at.map(|event| since(event, now)),
                        lease: Lease { id: row.notification.id, token },
                    }
                })
                .collect())
        })
    }

    async fn mark_sent(&self, lease: &Lease) -> Result<(), LedgerError> {
        self.fenced(lease, |row, _| {
            row.state = State::Sent;
            row.attempts += 1;
            row.last_error = None;
        })
    }

    async fn retry_later(
        &self,
        lease: &Lease,
        after: Duration,
        error: &str,
        counts: bool,
    ) -> Result<(), LedgerError> {
        self.fenced(lease, |row, now| {
            row.due_at = now + after;
            row.attempts += u32::from(counts);
            row.last_error = Some(error.to_owned());
        })
    }

    async fn mark_dead(&self, lease: &Lease, reason: &str) -> Result<(), LedgerError> {
        self.fenced(lease, |row, _| {
            row.state = State::Dead;
            row.attempts += 1;
            row.last_error = Some(reason.to_owned());
        })
    }

    async fn release(&self, lease: &Lease) -> Result<(), LedgerError> {
        self.fenced(lease, |_, _| {})
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
