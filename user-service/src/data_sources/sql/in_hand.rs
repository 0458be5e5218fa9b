use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::repositories::CapturedChange;

/// The rows of the outbox that a feed has returned and that are not settled. They are still in the table, and are
/// passed over there.
#[derive(Debug, Default)]
pub(in crate::data_sources) struct InHand {
    positions: Mutex<HashSet<i64>>,
    settled: Notify,
}

impl InHand {
    /// How many rows have to be read to find so many that are not in hand.
    pub(in crate::data_sources) fn to_read(&self, max: usize) -> i64 {
        i64::try_from(self.positions().len().saturating_add(max)).unwrap_or(i64::MAX)
    }

    /// Those that are not in hand yet, at most so many, which now are.
    pub(in crate::data_sources) fn take(
        &self,
        changes: impl IntoIterator<Item = CapturedChange>,
        max: usize,
    ) -> Vec<CapturedChange> {
        let mut positions = self.positions();
        changes.into_iter().filter(|change| positions.insert(change.position)).take(max).collect()
    }

    /// They are not in the table any more.
    pub(in crate::data_sources) fn settle(&self, settled: &[i64]) {
        let mut positions = self.positions();
        for position in settled {
            positions.remove(position);
        }
        self.settled.notify_one();
    }

    /// Those in the table are to be returned again.
    pub(in crate::data_sources) fn clear(&self) {
        self.positions().clear();
        self.settled.notify_one();
    }

    fn positions(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.positions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "mysql-binlog")]
impl InHand {
    pub(in crate::data_sources) fn is_empty(&self) -> bool {
        self.positions().is_empty()
    }

    /// Returns when something was settled since the last call, or is.
    pub(in crate::data_sources) async fn changed(&self) {
        self.settled.notified().await;
    }
}
