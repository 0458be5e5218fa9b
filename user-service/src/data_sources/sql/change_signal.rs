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

/// The signals of a database, one for each who waits: a signal wakes one of those who wait for it.
#[derive(Debug, Clone, Default)]
pub(in crate::data_sources) struct ChangeSignals {
    /// Of the outbox.
    pub(in crate::data_sources) outbox: ChangeSignal,
    /// Of the requests for a password reset.
    pub(in crate::data_sources) reset_requests: ChangeSignal,
}

/// What a transaction has written that somebody may wait for.
#[derive(Debug)]
pub(in crate::data_sources) struct Written {
    signals: ChangeSignals,
    pub(in crate::data_sources) outbox: bool,
    pub(in crate::data_sources) reset_requests: bool,
}

impl Written {
    /// Nothing yet.
    pub(in crate::data_sources) fn new(signals: ChangeSignals) -> Self {
        Self { signals, outbox: false, reset_requests: false }
    }

    /// Wakes those whom it concerns, and nobody else.
    pub(in crate::data_sources) fn committed(&self) {
        for (written, signal) in
            [(self.outbox, &self.signals.outbox), (self.reset_requests, &self.signals.reset_requests)]
        {
            if written {
                signal.committed();
            }
        }
    }
}
