use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shared_kernel::UserId;

use super::RepositoryError;
use crate::entities::{Fingerprint, IdempotentRequest, StoredAnswer};

/// What was answered to idempotent requests, for reading and for clearing away.
#[async_trait]
pub trait AnswerRepository: Send + Sync {
    /// The committed answer to the request of that key, also one that has expired and is still there.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn answer(&self, key: Fingerprint) -> Result<Option<StoredAnswer>, RepositoryError>;

    /// Removes answers that expired before that moment, at most `max`; returns how many.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn remove_expired_answers(&self, now: DateTime<Utc>, max: u32) -> Result<u64, RepositoryError>;
}

/// Idempotent requests within a transaction.
#[async_trait]
pub trait AnswerWrites {
    /// Takes the request's key, so that no other transaction carries the same request out. While another one
    /// holds it, waits for that one's end, for some seconds at most. Comes before everything else in a
    /// transaction.
    ///
    /// # Errors
    ///
    /// [`RepositoryError::Answered`] when there is an answer already, which can be read once this transaction is
    /// dropped; [`RepositoryError::InProgress`] when the other one did not come to an end in time.
    async fn take_key(&mut self, request: &IdempotentRequest) -> Result<(), RepositoryError>;

    /// Keeps the answer to the request whose key was taken.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn keep_answer(
        &mut self,
        key: Fingerprint,
        user: Option<UserId>,
        text: &str,
    ) -> Result<(), RepositoryError>;

    /// Removes one answer if it has expired by then; one that is not there is none to remove.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn forget_expired_answer(
        &mut self,
        key: Fingerprint,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError>;

    /// Removes every answer about that user.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn forget_answers_about(&mut self, user: UserId) -> Result<(), RepositoryError>;
}
