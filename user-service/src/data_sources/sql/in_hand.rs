use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
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
///
/// One reads the table at a time. A row that is settled meanwhile may be in what was read all the same, from before it
/// was deleted, and is passed over there too.
#[derive(Debug, Default)]
pub(in crate::data_sources) struct InHand {
    rows: Mutex<Rows>,
    settled: Notify,
}

#[derive(Debug, Default)]
struct Rows {
    in_hand: HashMap<i64, Option<RowOfEvent>>,
    /// Settled since the reading began.
    settled: HashSet<i64>,
}

impl InHand {
    /// Before the table is read: how many rows that takes to find so many that are not in hand.
    pub(in crate::data_sources) fn to_read(&self, max: usize) -> i64 {
        let mut rows = self.rows();
        rows.settled.clear();
        i64::try_from(rows.in_hand.len().saturating_add(max)).unwrap_or(i64::MAX)
    }

    /// Those of what was read that are not in hand yet, at most so many, which now are.
    pub(in crate::data_sources) fn take(
        &self,
        changes: impl IntoIterator<Item = CapturedChange>,
        max: usize,
    ) -> Vec<CapturedChange> {
        let mut rows = self.rows();
        let Rows { in_hand, settled } = &mut *rows;
        let mut is_new = |change: &CapturedChange| match in_hand.entry(change.position) {
            _ if settled.contains(&change.position) => false,
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
        positions.iter().filter_map(|position| *rows.in_hand.get(position)?).collect()
    }

    /// They are not in the table any more.
    pub(in crate::data_sources) fn settle(&self, settled: &[i64]) {
        let mut rows = self.rows();
        for position in settled {
            if rows.in_hand.remove(position).is_some() {
                rows.settled.insert(*position);
            }
        }
        self.settled.notify_one();
    }

    /// Those in the table are to be returned again.
    pub(in crate::data_sources) fn clear(&self) {
        self.rows().in_hand.clear();
        self.settled.notify_one();
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "mysql-binlog")]
impl InHand {
    pub(in crate::data_sources) fn is_empty(&self) -> bool {
        self.rows().in_hand.is_empty()
    }

    /// Returns when something was settled since the last call, or is.
    pub(in crate::data_sources) async fn changed(&self) {
        self.settled.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(positions: &[i64]) -> Vec<CapturedChange> {
        let change = |position: &i64| CapturedChange {
            position: *position,
            content: Content::Unreadable(String::new()),
        };
        positions.iter().map(change).collect()
    }

    fn taken(in_hand: &InHand, positions: &[i64], max: usize) -> Vec<i64> {
        in_hand.take(read(positions), max).iter().map(|change| change.position).collect()
    }

    #[test]
    fn a_row_is_returned_once_until_it_is_to_be_returned_again() {
        let in_hand = InHand::default();
        assert_eq!(in_hand.to_read(2), 2);
        assert_eq!(taken(&in_hand, &[1, 2, 3], 2), [1, 2]);
        assert_eq!(in_hand.to_read(2), 4);
        assert_eq!(taken(&in_hand, &[1, 2, 3], 2), [3]);
        in_hand.clear();
        assert_eq!(in_hand.to_read(2), 2);
        assert_eq!(taken(&in_hand, &[1, 2], 2), [1, 2]);
    }

    #[test]
    fn what_was_read_before_its_row_was_deleted_is_passed_over() {
        let in_hand = InHand::default();
        in_hand.to_read(2);
        assert_eq!(taken(&in_hand, &[1, 2], 2), [1, 2]);
        in_hand.to_read(2);
        let stale = [1, 2, 3];
        in_hand.settle(&[1, 2]);
        assert_eq!(taken(&in_hand, &stale, 2), [3]);
        // A promoted replica gives numbers again.
        in_hand.to_read(2);
        assert_eq!(taken(&in_hand, &[1, 3], 2), [1]);
    }

    #[test]
    fn what_came_another_way_is_not_remembered() {
        let in_hand = InHand::default();
        in_hand.settle(&[1, 2, 3]);
        assert!(in_hand.rows().settled.is_empty());
    }
}
