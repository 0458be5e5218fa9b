use async_trait::async_trait;
use thiserror::Error;

use crate::entities::ReceivedRecord;

/// Where records go that can never be understood or recorded.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Returns `Ok` only after the letter is stored durably. An adapter keeps the record's key, value and
    /// headers as they are and adds the reason and the place as headers
    /// ([`shared_kernel::dead_letter_header`]). The same record may be put more than once.
    ///
    /// # Errors
    ///
    /// [`DeadLettersError`]; nothing may be taken for stored then.
    async fn put(&self, letter: &DeadLetter) -> Result<(), DeadLettersError>;
}

/// A record with the reason why it was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The record and its place.
    pub received: ReceivedRecord,
    /// Why, in words, with the causes.
    pub reason: String,
}

/// Why a dead letter was not stored.
#[derive(Debug, Error)]
pub enum DeadLettersError {
    /// The broker did not take it this time.
    #[error("the dead-letter topic cannot be written to now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The broker will never take it, being too large for instance. The record cannot be passed over
    /// without losing it, so this stops its partition until an operator helps.
    #[error("the dead-letter topic refuses the record")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl DeadLettersError {
    /// Whether trying again can help without an operator.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}
