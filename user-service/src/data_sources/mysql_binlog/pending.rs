use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::repositories::CapturedChange;

/// Changes that came by the log and are neither acknowledged nor buried, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<VecDeque<CapturedChange>>);

impl Pending {
    pub(super) fn len(&self) -> usize {
        self.changes().len()
    }

    pub(super) fn push(&self, change: CapturedChange) {
        self.changes().push_back(change);
    }

    pub(super) fn first(&self, max: usize) -> Vec<CapturedChange> {
        self.changes().iter().take(max).cloned().collect()
    }

    /// Those need not be returned again.
    pub(super) fn settle(&self, changes: &[CapturedChange]) {
        let settled: HashSet<_> = changes.iter().map(|change| change.position).collect();
        self.changes().retain(|change| !settled.contains(&change.position));
    }

    pub(super) fn clear(&self) {
        self.changes().clear();
    }

    fn changes(&self) -> MutexGuard<'_, VecDeque<CapturedChange>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
