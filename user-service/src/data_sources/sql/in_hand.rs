use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared_kernel::EventId;
use tokio::sync::Notify;

use crate::repositories::{CapturedChange, Content};

/// A row of the outbox by its number and its event: a promoted replica gives numbers again whose rows it lacks.
pub(in crate::data_sources) type RowOfEvent = (i64, EventId);

/// The row of a change; `None` when it cannot be read.
pub(in crate::data_sources) fn row_of_event(change: &CapturedChange) -> Option<RowOfEvent> {
    match &change.content {
        Content::Event(event) => Some((change.position, event.metadata.id)),
        Content::Newer(event) => Some((change.position, event.id)),
        Content::Unreadable(_) => None,
    }
}

/// The rows of the outbox that a feed has returned and that are not settled. They are still in the table, and are
/// passed over there.
#[derive(Debug, Default)]
pub(in crate::data_sources) struct InHand {
    rows: Mutex<HashMap<i64, Option<RowOfEvent>>>,
    settled: Notify,
}

impl InHand {
    /// How many rows have to be read to find so many that are not in hand.
    pub(in crate::data_sources) fn to_read(&self, max: usize) -> i64 {
        i64::try_from(self.rows().len().saturating_add(max)).unwrap_or(i64::MAX)
    }

    /// Those that are not in hand yet, at most so many, which now are.
    pub(in crate::data_sources) fn take(
        &self,
        changes: impl IntoIterator<Item = CapturedChange>,
        max: usize,
    ) -> Vec<CapturedChange> {
        let mut rows = self.rows();
        let mut is_new = |change: &CapturedChange| match rows.entry(change.position) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(row_of_event(change));
                true
            }
        };
        changes.into_iter().filter(|change| is_new(change)).take(max).collect()
    }

    /// The rows of those of these positions that are in hand.
    pub(in crate::data_sources) fn of(&self, positions: &[i64]) -> Vec<RowOfEvent> {
        let rows = self.rows();
        positions.iter().filter_map(|position| *rows.get(position)?).collect()
    }

    /// They are not in the table any more.
    pub(in crate::data_sources) fn settle(&self, settled: &[i64]) {
        let mut rows = self.rows();
        for position in settled {
            rows.remove(position);
        }
        self.settled.notify_one();
    }

    /// Those in the table are to be returned again.
    pub(in crate::data_sources) fn clear(&self) {
        self.rows().clear();
        self.settled.notify_one();
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<i64, Option<RowOfEvent>>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "mysql-binlog")]
impl InHand {
    pub(in crate::data_sources) fn is_empty(&self) -> bool {
        self.rows().is_empty()
    }

    /// Returns when something was settled since the last call, or is.
    pub(in crate::data_sources) async fn changed(&self) {
        self.settled.notified().await;
    }
}
