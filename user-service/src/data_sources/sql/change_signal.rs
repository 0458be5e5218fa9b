use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

/// Wakes the change feed of this process as soon as a transaction of this process is committed, so that
/// its events do not wait for the next poll. Commits of other processes are found by polling.
#[derive(Debug, Clone, Default)]
pub(in crate::data_sources) struct ChangeSignal(Arc<Notify>);

impl ChangeSignal {
    pub(in crate::data_sources) fn committed(&self) {
        self.0.notify_one();
    }

    /// Waits for a commit, at most so long. A commit since the last wait counts.
    pub(in crate::data_sources) async fn wait(&self, limit: Duration) {
        // Elapsing is as good as a commit: the caller looks either way.
        let _elapsed = tokio::time::timeout(limit, self.0.notified()).await;
    }
}
