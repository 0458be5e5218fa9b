use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::FutureExt as _;
use shared_kernel::{NewerEvent, UserEvent, in_words};
use thiserror::Error;

use super::relay_pipeline::{Pipeline, Step};
use crate::repositories::{ChangeFeed, ChangeFeedError, Clock, EventPublisher, PublishError};

/// How many batches may be read and not acknowledged yet.
const BATCHES_IN_HAND: usize = 8;

/// Carries committed changes from the feed to the topic: published first, acknowledged then. A crash in
/// between repeats changes, with the same ids, and loses none.
///
/// Reading, publishing and acknowledging go on side by side, each in the feed's order.
pub struct RelayChanges {
    pub(super) feed: Arc<dyn ChangeFeed>,
    pub(super) publisher: Arc<dyn EventPublisher>,
    clock: Arc<dyn Clock>,
    pub(super) batch: usize,
    acknowledged: AtomicU64,
}

/// What one call of the relay did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RelayOutcome {
    /// Changes that are on the topic now.
    pub published: usize,
    /// Changes that never can be, and were set aside.
    pub buried: usize,
}

impl RelayOutcome {
    /// Whether the feed had nothing to relay.
    pub fn is_idle(self) -> bool {
        self == Self::default()
    }
}

/// Why the relay stopped. Whatever was published before is acknowledged, if the feed could be told.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RelayError {
    /// The feed failed.
    #[error("the change feed failed")]
    Feed(#[source] ChangeFeedError),
    /// The broker failed.
    #[error("publishing failed")]
    Publish(#[source] PublishError),
}

impl RelayError {
    /// Whether the next call can succeed without anybody's help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Feed(error) => error.is_retryable(),
            Self::Publish(error) => error.is_retryable(),
        }
    }
}

impl From<ChangeFeedError> for RelayError {
    fn from(error: ChangeFeedError) -> Self {
        Self::Feed(error)
    }
}

impl RelayChanges {
    /// Wires the use case to its ports; it takes up to `batch` changes from the feed at once.
    pub fn new(
        feed: Arc<dyn ChangeFeed>,
        publisher: Arc<dyn EventPublisher>,
        clock: Arc<dyn Clock>,
        batch: usize,
    ) -> Self {
        Self { feed, publisher, clock, batch, acknowledged: AtomicU64::new(0) }
    }

    /// Relays until the feed has brought nothing for as long as `wait`, until a change was set aside, or until `stop`:
    /// then what it has read is still published and acknowledged. Cancelling loses nothing, and what was on its way is
    /// published again by the next call.
    ///
    /// # Errors
    ///
    /// [`RelayError`]; call again to go on from the first change that is not acknowledged.
    pub async fn execute(
        &self,
        wait: Duration,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<RelayOutcome, RelayError> {
        // An earlier call may have been cancelled with changes in hand.
        self.feed.rewind();
        let (mut stop, mut outcome) = (pin!(stop.fuse()), RelayOutcome::default());
        let mut pipeline = Pipeline::new(self, wait, self.batch * BATCHES_IN_HAND);
        let result = loop {
            match pipeline.step(stop.as_mut()).await {
                Step::Acknowledged(count) => {
                    outcome.published += count;
                    self.acknowledged.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
                }
                Step::Unpublishable(position, reason) => match self.feed.bury(position, &reason).await {
                    Ok(()) => {
                        outcome.buried += 1;
                        pipeline.end_with(Step::Over);
                    }
                    Err(error) => break Err(error.into()),
                },
                Step::Newer(position, event) => {
                    break self.relay_newer(position, &event).await.map(|()| outcome.published += 1);
                }
                Step::Failed(error) => break Err(error),
                Step::Over => break Ok(()),
            }
        };
        self.feed.rewind();
        result.map(|()| outcome)
    }

    async fn relay_newer(&self, position: i64, event: &NewerEvent) -> Result<(), RelayError> {
        match self.publisher.publish_newer(event).await {
            Ok(()) => Ok(self.feed.acknowledge(&[position]).await?),
            Err(error) if error.is_retryable() => Err(RelayError::Publish(error)),
            Err(error) => Ok(self.feed.bury(position, &in_words(&error.failure)).await?),
        }
    }

    /// How many changes all calls together have published, those under way included.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Whether it is this relay that publishes, and not one that waits to take over.
    pub fn is_active(&self) -> bool {
        self.feed.is_active()
    }

    pub(super) fn taken_up(&self, mut event: UserEvent) -> UserEvent {
        event.change.ts_ms = self.clock.now().timestamp_millis();
        event
    }
}
