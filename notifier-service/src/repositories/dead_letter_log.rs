use async_trait::async_trait;
use chrono::{DateTime, Utc};
use thiserror::Error;

use super::DeadLetter;
use crate::entities::Place;

/// What lies on the dead-letter topic. Reading it joins no group, commits nothing and takes nothing away.
#[async_trait]
pub trait DeadLetterLog: Send + Sync {
    /// The topic's partitions, in ascending order. Letters with the same key lie in the same one.
    ///
    /// # Errors
    ///
    /// [`DeadLetterLogError`].
    async fn partitions(&self) -> Result<Vec<i32>, DeadLetterLogError>;

    /// All letters of a partition, from the oldest that is kept to the latest at the time of the call, in the order in
    /// which they were put there. Each has its record as it was when it was read first; what does not say where it came
    /// from counts as from where it lies.
    ///
    /// # Errors
    ///
    /// [`DeadLetterLogError`].
    async fn letters(&self, partition: i32) -> Result<Vec<LoggedLetter>, DeadLetterLogError>;
}

/// A dead letter, and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedLetter {
    /// Where it lies on the dead-letter topic.
    pub place: Place,
    /// When it was set aside, by the time that the broker keeps with it; `None` when it keeps none.
    pub set_aside_at: Option<DateTime<Utc>>,
    /// The record, where it came from and why it was set aside; no reason when there is none with it.
    pub letter: DeadLetter,
}

/// The dead-letter topic was not read.
#[derive(Debug, Error)]
pub enum DeadLetterLogError {
    /// The broker did not answer this time, or not with what was asked for.
    #[error("the dead-letter topic cannot be read now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The topic or the partition is not there, or what is on it cannot be read.
    #[error("the dead-letter topic cannot be read")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl DeadLetterLogError {
    /// Whether trying again can help without an operator.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}
