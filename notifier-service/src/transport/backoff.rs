use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Pauses that double up to a cap, until something succeeds.
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// After a success: the next pause is the first again.
    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }

    /// Waits for the next pause, or until `cancelled`.
    pub(super) async fn pause(&mut self, cancelled: &CancellationToken) {
        let pause = self.next;
        self.next = (self.next * 2).min(self.longest);
        tokio::select! {
            () = cancelled.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}
