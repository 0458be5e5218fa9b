use async_trait::async_trait;
use shared_kernel::{NewerEvent, UserEvent};
use thiserror::Error;

use super::AdapterError;

/// The topic, from the writing side.
///
/// An adapter must keep the order of one user's events, first occurrences in particular, whatever fails
/// in between, and must not report an event as published before the broker has it for good.
#[async_trait]
pub trait EventPublisher: Send + Sync {
    /// Publishes events in order and waits until the broker has acknowledged all of them.
    ///
    /// Calls may overlap: the events of each come behind those of the calls that were first polled before it. When one
    /// fails or is cancelled, those that were polled later fail too, and so does a new one for as long as any of them
    /// has not returned: the caller goes on from the first event that is not acknowledged.
    ///
    /// Cancelling leaves open which of them were published; publishing them again is safe, because
    /// consumers deduplicate by the event id.
    ///
    /// # Errors
    ///
    /// [`PublishError`]: how many of them, counted from the first, are acknowledged, and why the next
    /// one is not. Of those behind it, some may have been published.
    async fn publish(&self, events: &[UserEvent]) -> Result<(), PublishError>;

    /// Publishes an event of a newer version as it is. As [`publish`](Self::publish) does with one event.
    ///
    /// # Errors
    ///
    /// [`PublishError`]; none is acknowledged then.
    async fn publish_newer(&self, event: &NewerEvent) -> Result<(), PublishError>;
}

/// Publishing stopped at an event.
#[derive(Debug, Error)]
#[error("only the first {acknowledged} of the events were published")]
pub struct PublishError {
    /// How many, counted from the first, the broker has for good.
    pub acknowledged: usize,
    /// Why the next one was not published.
    #[source]
    pub failure: PublishFailure,
}

impl PublishError {
    /// Whether publishing the rest can succeed when it is tried again.
    pub fn is_retryable(&self) -> bool {
        matches!(self.failure, PublishFailure::Unavailable(_))
    }
}

/// Why one event was not published.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PublishFailure {
    /// The broker cannot be reached, is too busy, or lacks the topic; trying again later can help.
    #[error("the broker is not available")]
    Unavailable(#[source] AdapterError),
    /// The broker will never take this event, because it is too large, say.
    #[error("the broker refuses this event")]
    Rejected(#[source] AdapterError),
}
