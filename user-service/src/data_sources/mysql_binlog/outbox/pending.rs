use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::data_sources::sql::{RowOfEvent, row_of_event};
use crate::repositories::CapturedChange;

/// Changes that came by the log and are neither acknowledged nor buried, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Pending {
    changes: Mutex<Changes>,
    settled: Notify,
}

#[derive(Debug, Default)]
struct Changes {
    in_order: VecDeque<CapturedChange>,
    /// How many of them, from the first, have been returned.
    returned: usize,
}

impl Pending {
    /// How many have not been returned.
    pub(super) fn ahead(&self) -> usize {
        let changes = self.changes();
        changes.in_order.len() - changes.returned
    }

    /// Whether all are settled.
    pub(super) fn is_empty(&self) -> bool {
        self.changes().in_order.is_empty()
    }

    pub(super) fn push(&self, change: CapturedChange) {
        self.changes().in_order.push_back(change);
    }

    /// The next ones, at most so many.
    pub(super) fn next(&self, max: usize) -> Vec<CapturedChange> {
        let mut changes = self.changes();
        let next: Vec<_> = changes.in_order.iter().skip(changes.returned).take(max).cloned().collect();
        changes.returned += next.len();
        next
    }

    /// The rows of those of these positions that are not settled.
    pub(super) fn of(&self, positions: &[i64]) -> Vec<RowOfEvent> {
        let positions: HashSet<_> = positions.iter().copied().collect();
        let changes = self.changes();
        let wanted = changes.in_order.iter().filter(|change| positions.contains(&change.position));
        wanted.filter_map(row_of_event).collect()
    }

    /// Those need not be returned again.
    pub(super) fn settle(&self, settled: &[i64]) {
        let settled: HashSet<_> = settled.iter().copied().collect();
        let mut changes = self.changes();
        let returned = changes.returned;
        let of_those = changes
            .in_order
            .iter()
            .take(returned)
            .filter(|change| settled.contains(&change.position))
            .count();
        changes.in_order.retain(|change| !settled.contains(&change.position));
        changes.returned -= of_those;
        self.settled.notify_one();
    }

    /// Returns when something was settled since the last call, or is.
    pub(super) async fn changed(&self) {
        self.settled.notified().await;
    }

    /// Returns all of them again.
    pub(super) fn rewind(&self) {
        self.changes().returned = 0;
    }

    pub(super) fn clear(&self) {
        *self.changes() = Changes::default();
        self.settled.notify_one();
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
