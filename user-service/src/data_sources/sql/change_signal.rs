use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

/// Wakes one who waits for what a transaction of this process may have written, as soon as it is committed, so
/// that it does not wait for the next poll. Commits of other processes are found by polling.
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

/// What a transaction has written that somebody may wait for.
#[derive(Debug)]
pub(in crate::data_sources) struct Written {
    signal: ChangeSignal,
    pub(in crate::data_sources) outbox: bool,
}

impl Written {
    /// Nothing yet.
    pub(in crate::data_sources) fn new(signal: ChangeSignal) -> Self {
        Self { signal, outbox: false }
    }

    /// Wakes who follows the outbox, if it concerns them.
    pub(in crate::data_sources) fn committed(&self) {
        if self.outbox {
            self.signal.committed();
        }
    }
}
