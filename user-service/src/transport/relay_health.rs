use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Whether the relay fails again and again, for those who watch it. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct RelayHealth(Arc<Mutex<Option<Failing>>>);

#[derive(Debug)]
struct Failing {
    since: Instant,
    cause: String,
}

impl RelayHealth {
    /// It failed, and why.
    pub(super) fn failed(&self, cause: String) {
        let mut failing = self.failing();
        let since = failing.as_ref().map_or_else(Instant::now, |failing| failing.since);
        *failing = Some(Failing { since, cause });
    }

    /// It goes on.
    pub(super) fn recovered(&self) {
        *self.failing() = None;
    }

    /// For how long it has failed each time, and why the last time.
    pub(super) fn trouble(&self) -> Option<(Duration, String)> {
        self.failing().as_ref().map(|failing| (failing.since.elapsed(), failing.cause.clone()))
    }

    fn failing(&self) -> MutexGuard<'_, Option<Failing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
