//! Reading as a member of a consumer group.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::broker::TableBroker;
use crate::error::BrokerError;
use crate::records::Record;
use crate::sqlite::{GroupState, Lease, Membership};

/// How a consumer reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerOptions {
    /// How long after its last [`poll`](Consumer::poll) or [`commit`](Consumer::commit) a member keeps its partitions;
    /// then others take them over. Must be longer than a batch takes to process; a member that waits in `poll`
    /// renews it each third of it. At least a millisecond. Default: 10 seconds.
    pub member_lease: Duration,
    /// How often a waiting [`poll`](Consumer::poll) looks for what other processes have appended or changed; what
    /// happens in this process, through clones of one [`TableBroker`], wakes it at once. At least a millisecond.
    /// Default: 100 milliseconds.
    pub poll_interval: Duration,
    /// Where a group that is new starts. Default: at the beginning.
    pub start: StartAt,
}

impl Default for ConsumerOptions {
    fn default() -> Self {
        Self {
            member_lease: Duration::from_secs(10),
            poll_interval: Duration::from_millis(100),
            start: StartAt::default(),
        }
    }
}

/// Where a group without committed offsets starts. Decided once, for all partitions, when the group's first member
/// first polls: from then on the group has a committed offset everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartAt {
    /// With the oldest record there is.
    #[default]
    Beginning,
    /// With the next record to be appended.
    End,
}

/// A member of a consumer group, made by [`TableBroker::consumer`].
///
/// Use it from one task: [`poll`](Self::poll), process the records in order, [`commit`](Self::commit), and so on;
/// [`close`](Self::close) at the end. One that is dropped keeps its partitions until its lease expires.
#[derive(Debug)]
pub struct Consumer {
    broker: TableBroker,
    news: watch::Receiver<()>,
    group: String,
    topic: String,
    options: ConsumerOptions,
    /// This member's id, once it is known.
    member: Option<Arc<str>>,
    /// What the last heartbeat said, once there was one.
    joined: Option<Joined>,
    /// When the last renewal began; none when a heartbeat is due whatever the time.
    renewed_at: Option<Instant>,
    held: BTreeMap<u32, Held>,
    /// The partition that the last records came from; the next poll starts behind it.
    last_served: Option<u32>,
}

/// Membership in a group.
#[derive(Debug, Clone)]
struct Joined {
    group_id: i64,
    member: Arc<str>,
    /// The group's generation at the last heartbeat.
    generation: i64,
}

/// A partition that this member holds, as far as it knows.
#[derive(Debug)]
struct Held {
    epoch: i64,
    /// The next offset to read; none for the committed one.
    position: Option<u64>,
    /// Where reading under this lease began.
    start: u64,
    /// One more than the highest offset that was read under this lease.
    delivered: u64,
}

impl Consumer {
    pub(crate) fn new(broker: TableBroker, group: &str, topic: &str, mut options: ConsumerOptions) -> Self {
        const SHORTEST: Duration = Duration::from_millis(1);
        options.member_lease = options.member_lease.max(SHORTEST);
        options.poll_interval = options.poll_interval.max(SHORTEST);
        Self {
            news: broker.news(),
            broker,
            group: group.to_owned(),
            topic: topic.to_owned(),
            options,
            member: None,
            joined: None,
            renewed_at: None,
            held: BTreeMap::new(),
            last_served: None,
        }
    }

    /// Returns the next records, at most `max`, of the partitions that this member holds; waits up to `wait` while
    /// there are none, and then returns an empty list. Records of one partition follow each other in order;
    /// partitions take turns at coming first.
    ///
    /// This is also the heartbeat: it renews the member's lease, takes partitions over that are free, and gives up
    /// those beyond its fair share (what was read of them and not committed goes to the next holder). So it has to
    /// be called more often than the lease expires, even with nothing to read.
    ///
    /// # Errors
    /// [`BrokerError::TopicMissing`], [`BrokerError::HeadersUnreadable`], [`BrokerError::Database`],
    /// [`BrokerError::Closed`]. After an error the same records are still to come.
    ///
    /// # Cancel safety
    /// Cancel-safe: a cancelled call loses no record.
    pub async fn poll(&mut self, max: usize, wait: Duration) -> Result<Vec<Record>, BrokerError> {
        let deadline = Instant::now().checked_add(wait);
        loop {
            // Before looking, so that what comes after the look ends the wait.
            self.news.mark_unchanged();
            let (joined, state) = self.look().await?;
            let records = self.fetch(&joined, &state, max).await?;
            if !records.is_empty() {
                return Ok(records);
            }
            let now = Instant::now();
            if max == 0 || deadline.is_some_and(|deadline| deadline <= now) {
                return Ok(vec![]);
            }
            let next_look = now + self.options.poll_interval.min(self.renewal_interval());
            let until = deadline.map_or(next_look, |deadline| deadline.min(next_look));
            // News or the time is up: a look follows either way. The sender lives as long as `self.broker`.
            let _ = tokio::time::timeout_at(until, self.news.changed()).await;
        }
    }

    /// Commits, for each partition, the offset after the last of these records, and renews the member's lease. A
    /// committed offset never goes back.
    ///
    /// # Errors
    /// [`BrokerError::Fenced`] where a partition's records were not read under the lease by which this member holds
    /// it now: its offset stays as it is, while those of the other partitions are committed all the same. Carry on
    /// with [`poll`](Self::poll); the new holder reads these records again.
    ///
    /// [`BrokerError::Database`], [`BrokerError::Closed`]: nothing was committed, unless the failure was one of I/O
    /// during the commit itself. Committing the same records again is harmless.
    ///
    /// # Cancel safety
    /// A cancelled call has committed everything or nothing; which, is not known. Calling it again is harmless.
    pub async fn commit(&mut self, records: &[Record]) -> Result<(), BrokerError> {
        let mut fenced = vec![];
        let mut offsets = vec![];
        for (partition, (first, last)) in offset_ranges(records) {
            match self.held.get(&partition) {
                Some(held) if held.start <= first && last < held.delivered => {
                    offsets.push(Lease { partition, epoch: held.epoch, committed: last + 1 });
                }
                _ => fenced.push(partition),
            }
        }
        if let Some(joined) = &self.joined
            && !offsets.is_empty()
        {
            let lost = self
                .broker
                .store()
                .commit_offsets(joined.group_id, &joined.member, self.options.member_lease, &offsets)
                .await?;
            for partition in &lost {
                self.held.remove(partition);
                // The next poll shall see what else has changed.
                self.renewed_at = None;
            }
            fenced.extend(lost);
        }
        match fenced.into_iter().min() {
            Some(partition) => Err(BrokerError::Fenced { partition }),
            None => Ok(()),
        }
    }

    /// Forgets what was read and not committed: the next [`poll`](Self::poll) starts again at the committed offsets.
    /// Records read before can still be committed.
    pub fn rewind(&mut self) {
        for held in self.held.values_mut() {
            held.position = None;
        }
    }

    /// The partitions that this member held at its last [`poll`](Self::poll) or [`commit`](Self::commit), rising.
    pub fn assigned(&self) -> Vec<u32> {
        self.held.keys().copied().collect()
    }

    /// Leaves the group and gives the leases back, so that others take the partitions over at once.
    ///
    /// # Errors
    /// [`BrokerError::Database`], [`BrokerError::Closed`]: the leases stay until they expire.
    pub async fn close(mut self) -> Result<(), BrokerError> {
        let joined = match (self.joined.take(), &self.member) {
            (Some(joined), _) => joined,
            (None, None) => return Ok(()),
            // The first heartbeat was cancelled or failed, and may have joined all the same.
            (None, Some(_)) => match self.heartbeat().await {
                Err(BrokerError::TopicMissing { .. }) => return Ok(()),
                joined => joined?,
            },
        };
        self.broker.store().leave(joined.group_id, &joined.member).await?;
        self.broker.announce();
        Ok(())
    }

    fn renewal_interval(&self) -> Duration {
        self.options.member_lease / 3
    }

    /// The group's state, after a heartbeat if one is due: because of the time, or because members or leases have
    /// changed.
    async fn look(&mut self) -> Result<(Joined, GroupState), BrokerError> {
        let due = self.renewed_at.is_none_or(|at| at.elapsed() >= self.renewal_interval());
        let joined = match &self.joined {
            Some(joined) if !due => joined.clone(),
            _ => self.heartbeat().await?,
        };
        let state = self.broker.store().group_state(joined.group_id, &joined.member).await?;
        if state.generation == joined.generation && !state.has_expired {
            return Ok((joined, state));
        }
        let joined = self.heartbeat().await?;
        let state = self.broker.store().group_state(joined.group_id, &joined.member).await?;
        Ok((joined, state))
    }

    /// Renews the lease and rebalances.
    async fn heartbeat(&mut self) -> Result<Joined, BrokerError> {
        let store = self.broker.store();
        let member = match &self.member {
            Some(member) => Arc::clone(member),
            None => store.new_member_id().await?.into(),
        };
        // Kept before it is used: a cancelled call must not leave a member behind that nobody renews.
        self.member = Some(Arc::clone(&member));
        let started = Instant::now();
        let start_at_end = self.options.start == StartAt::End;
        let membership = store
            .heartbeat(&self.group, &self.topic, &member, self.options.member_lease, start_at_end)
            .await?;
        // Nothing is awaited from here on: a cancelled heartbeat is simply repeated by the next poll.
        let joined = Joined { group_id: membership.group_id, member, generation: membership.generation };
        self.renewed_at = Some(started);
        self.joined = Some(joined.clone());
        self.adopt(membership);
        Ok(joined)
    }

    /// Takes over what a heartbeat has found. Partitions held without interruption keep their positions.
    fn adopt(&mut self, membership: Membership) {
        let before = self.assigned();
        let mut held = BTreeMap::new();
        for Lease { partition, epoch, committed } in membership.leases {
            let kept = self.held.remove(&partition).filter(|held| held.epoch == epoch);
            let new = || Held { epoch, position: None, start: committed, delivered: committed };
            held.insert(partition, kept.unwrap_or_else(new));
        }
        self.held = held;
        let after = self.assigned();
        if before != after {
            tracing::debug!(group = self.group, topic = self.topic, ?before, ?after, "partitions assigned");
        }
        if membership.disturbed {
            self.broker.announce();
        }
    }

    /// Reads from the partitions held, and moves their positions on.
    async fn fetch(
        &mut self,
        joined: &Joined,
        state: &GroupState,
        max: usize,
    ) -> Result<Vec<Record>, BrokerError> {
        let mut records = Vec::new();
        let behind = state.held.partition_point(|held| Some(held.lease.partition) <= self.last_served);
        for found in state.held[behind..].iter().chain(&state.held[..behind]) {
            let room = max - records.len();
            let held = self.held.get(&found.lease.partition).filter(|held| held.epoch == found.lease.epoch);
            let Some(held) = held else { continue };
            // Where retention has deleted all that would come next, there is nothing to look for.
            let from = held.position.unwrap_or(found.lease.committed).max(found.first_offset);
            if room > 0 && from < found.next_offset {
                let store = self.broker.store();
                let read = store.held_records(joined.group_id, &joined.member, &found.lease, from, room);
                records.extend(read.await?);
            }
        }
        // Nothing is awaited from here on: a cancelled call has moved no position.
        for record in &records {
            self.last_served = Some(record.place.partition);
            if let Some(held) = self.held.get_mut(&record.place.partition) {
                let next = record.place.offset + 1;
                held.position = Some(next);
                held.delivered = held.delivered.max(next);
            }
        }
        Ok(records)
    }
}

/// The lowest and the highest offset of the records, by partition.
fn offset_ranges(records: &[Record]) -> BTreeMap<u32, (u64, u64)> {
    let mut ranges = BTreeMap::new();
    for record in records {
        let offset = record.place.offset;
        match ranges.entry(record.place.partition) {
            Entry::Vacant(entry) => {
                entry.insert((offset, offset));
            }
            Entry::Occupied(mut entry) => {
                let (first, last): &mut (u64, u64) = entry.get_mut();
                *first = offset.min(*first);
                *last = offset.max(*last);
            }
        }
    }
    ranges
}
