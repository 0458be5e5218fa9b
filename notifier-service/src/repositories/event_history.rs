use async_trait::async_trait;
use chrono::{DateTime, Utc};
use thiserror::Error;

/// How far back the topics go, and so which events could still come again.
#[async_trait]
pub trait EventHistory: Send + Sync {
    /// Whether any partition, of the topic or of its dead letters, holds a record from before that time, by the time
    /// that the broker keeps with each record. An adapter that cannot tell says so by its error.
    ///
    /// # Errors
    ///
    /// [`EventHistoryError`].
    async fn reaches_before(&self, time: DateTime<Utc>) -> Result<bool, EventHistoryError>;
}

/// The broker did not tell.
#[derive(Debug, Error)]
#[error("the broker does not tell how old its records are")]
pub struct EventHistoryError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

impl EventHistoryError {
    /// Always: it is asked again, and until it tells nothing is forgotten.
    pub fn is_retryable(&self) -> bool {
        true
    }
}
