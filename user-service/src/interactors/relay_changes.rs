use std::sync::Arc;
use std::time::Duration;

use shared_kernel::{UserEvent, in_words};
use thiserror::Error;

use crate::repositories::{
    CapturedChange, ChangeFeed, ChangeFeedError, Clock, Content, EventPublisher, PublishError,
};

/// Carries committed changes from the feed to the topic: published first, acknowledged then. A crash in
/// between repeats changes, with the same ids, and loses none.
pub struct RelayChanges {
    feed: Arc<dyn ChangeFeed>,
    publisher: Arc<dyn EventPublisher>,
    clock: Arc<dyn Clock>,
    batch: usize,
}

/// What one step of the relay did.
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

/// Why a step of the relay stopped. Whatever was published before is acknowledged.
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
    /// Whether the next step can succeed without anybody's help.
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
    /// Wires the use case to its ports; it takes up to `batch` changes in one step.
    pub fn new(
        feed: Arc<dyn ChangeFeed>,
        publisher: Arc<dyn EventPublisher>,
        clock: Arc<dyn Clock>,
        batch: usize,
    ) -> Self {
        Self { feed, publisher, clock, batch }
    }

    /// Relays one batch, waiting up to `wait` for its first change. Cancelling loses nothing.
    ///
    /// # Errors
    ///
    /// [`RelayError`]; call again to go on from the first change that is not acknowledged.
    pub async fn execute(&self, wait: Duration) -> Result<RelayOutcome, RelayError> {
        let changes = self.feed.next(self.batch, wait).await?;
        let mut outcome = RelayOutcome::default();
        let mut readable = Vec::with_capacity(changes.len());
        let mut events = Vec::with_capacity(changes.len());
        for change in changes {
            match &change.content {
                Content::Event(event) => {
                    events.push(self.taken_up(event));
                    readable.push(change);
                }
                Content::Unreadable(reason) => {
                    self.feed.bury(&change, reason).await?;
                    outcome.buried += 1;
                }
            }
        }
        self.publish(&readable, &events, &mut outcome).await?;
        Ok(outcome)
    }

    /// Publishes and acknowledges, past each change that the broker will never take.
    async fn publish(
        &self,
        mut changes: &[CapturedChange],
        mut events: &[UserEvent],
        outcome: &mut RelayOutcome,
    ) -> Result<(), RelayError> {
        while !events.is_empty() {
            let result = self.publisher.publish(events).await;
            let done = result.as_ref().map_or_else(|error| error.acknowledged, |()| events.len());
            if done > 0 {
                self.feed.acknowledge(&changes[..done]).await?;
                outcome.published += done;
            }
            (changes, events) = (&changes[done..], &events[done..]);
            match result {
                Ok(()) => {}
                Err(error) if error.is_retryable() => return Err(RelayError::Publish(error)),
                Err(error) => {
                    self.feed.bury(&changes[0], &in_words(&error.failure)).await?;
                    outcome.buried += 1;
                    (changes, events) = (&changes[1..], &events[1..]);
                }
            }
        }
        Ok(())
    }

    fn taken_up(&self, event: &UserEvent) -> UserEvent {
        let mut event = event.clone();
        event.change.ts_ms = self.clock.now().timestamp_millis();
        event
    }
}
