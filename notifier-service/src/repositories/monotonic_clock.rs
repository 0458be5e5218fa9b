use std::time::Duration;

use async_trait::async_trait;

/// A clock that measures how much time passed, and waits.
#[async_trait]
pub trait MonotonicClock: Send + Sync {
    /// Time since a moment that never changes while the process runs. Never goes back, not even when
    /// the wall clock is set; goes on while the process is stopped.
    fn now(&self) -> Duration;

    /// Returns when at least that much time has passed. May be cancelled.
    async fn sleep(&self, time: Duration);
}
