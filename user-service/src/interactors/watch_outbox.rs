use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::repositories::{ChangeFeedError, OutboxBacklog};

/// Sees whether changes are published. Whatever holds a relay up, and whichever relay it is, one change stays the oldest
/// then.
pub struct WatchOutbox {
    outbox: Arc<dyn OutboxBacklog>,
    stuck_after: Duration,
    /// The oldest change when it was last looked, and since when it is.
    oldest: Mutex<Option<(i64, Duration)>>,
}

/// How it goes with what is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayProgress {
    /// It is published, or not for long there.
    Moving,
    /// The oldest change has been there for that long.
    Stuck(Duration),
}

impl WatchOutbox {
    /// Changes are stuck when the same one is the oldest for longer than that.
    pub fn new(outbox: Arc<dyn OutboxBacklog>, stuck_after: Duration) -> Self {
        Self { outbox, stuck_after, oldest: Mutex::new(None) }
    }

    /// How long a change may be the oldest.
    pub fn stuck_after(&self) -> Duration {
        self.stuck_after
    }

    /// Looks now, which is so long after a moment that is the same for all calls. To be called more often than changes
    /// may be stuck.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError`] when the outbox cannot be looked at; nothing is known then.
    pub async fn execute(&self, now: Duration) -> Result<RelayProgress, ChangeFeedError> {
        let found = self.outbox.oldest().await?;
        let mut oldest = self.oldest.lock().unwrap_or_else(PoisonError::into_inner);
        *oldest = match (found, *oldest) {
            (Some(found), Some((known, since))) if found == known => Some((known, since)),
            (found, _) => found.map(|position| (position, now)),
        };
        let waited = oldest.map_or(Duration::ZERO, |(_, since)| now.saturating_sub(since));
        Ok(if waited > self.stuck_after { RelayProgress::Stuck(waited) } else { RelayProgress::Moving })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use async_trait::async_trait;
    use futures_util::FutureExt as _;

    use super::*;
    use crate::repositories::WaitingChanges;

    /// What it returns, one after the other.
    struct Outbox(Mutex<VecDeque<Result<Option<i64>, ChangeFeedError>>>);

    #[async_trait]
    impl OutboxBacklog for Outbox {
        async fn oldest(&self) -> Result<Option<i64>, ChangeFeedError> {
            self.0.lock().expect("no test panics with it").pop_front().expect("it is asked so often only")
        }

        async fn waiting(&self) -> Result<WaitingChanges, ChangeFeedError> {
            Err(away())
        }

        async fn count_dead(&self) -> Result<u64, ChangeFeedError> {
            Err(away())
        }
    }

    fn away() -> ChangeFeedError {
        ChangeFeedError::Unavailable("away".into())
    }

    #[test]
    fn only_a_change_that_stays_the_oldest_is_stuck() {
        let (moving, stuck) =
            (RelayProgress::Moving, |seconds| RelayProgress::Stuck(Duration::from_secs(seconds)));
        let looks = [
            (0, Ok(None), Some(moving)),
            (10, Ok(Some(1)), Some(moving)),
            (40, Ok(Some(1)), Some(moving)),
            (41, Ok(Some(1)), Some(stuck(31))),
            (50, Err(away()), None),
            (60, Ok(Some(1)), Some(stuck(50))),
            // Others are published: a backlog, but it moves.
            (61, Ok(Some(2)), Some(moving)),
            (90, Ok(Some(3)), Some(moving)),
            (100, Ok(None), Some(moving)),
            (140, Ok(Some(3)), Some(moving)),
            (171, Ok(Some(3)), Some(stuck(31))),
            // One that was committed late, with a smaller number.
            (172, Ok(Some(2)), Some(moving)),
        ];
        let (times, expected): (Vec<_>, Vec<_>) = looks.iter().map(|look| (look.0, look.2)).unzip();
        let found = looks.into_iter().map(|look| look.1).collect();
        let watch = WatchOutbox::new(Arc::new(Outbox(Mutex::new(found))), Duration::from_secs(30));
        for (seconds, expected) in times.into_iter().zip(expected) {
            let seen = watch.execute(Duration::from_secs(seconds)).now_or_never().expect("nothing waits");
            assert_eq!(seen.ok(), expected, "after {seconds} s");
        }
    }
}
