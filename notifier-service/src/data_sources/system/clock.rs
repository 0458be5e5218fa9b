use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::repositories::MonotonicClock;

/// The operating system's monotonic clock, counted from when this was made.
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Starts counting.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }
}

#[async_trait]
impl MonotonicClock for SystemClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
