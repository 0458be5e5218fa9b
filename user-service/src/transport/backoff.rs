use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Pauses after failures: each one twice as long as the last, up to a longest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// How long the next pause is.
    pub(super) fn next(&self) -> Duration {
        self.next
    }

    /// To be called after a success.
    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }

    /// Waits; returns at once when told to stop.
    pub(super) async fn pause(&mut self, shutdown: &CancellationToken) {
        tokio::select! {
            () = tokio::time::sleep(self.next) => {}
            () = shutdown.cancelled() => {}
        }
        self.next = (self.next * 2).min(self.longest);
    }
}
