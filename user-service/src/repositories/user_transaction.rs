use async_trait::async_trait;
use shared_kernel::{UserEvent, UserId};

use super::{AnswerWrites, PasswordResetWrites, RepositoryError, SessionWrites};
use crate::entities::{PasswordHash, User};

/// One transaction over the accounts, what belongs to them, and the outbox: either all of it is written or
/// nothing.
///
/// An adapter must make [`lock`](Self::lock), [`insert`](Self::insert), [`update`](Self::update) and
/// [`delete`](Self::delete) hold the account's row until the end, and must let [`append`](Self::append)
/// give the outbox row its place only then: so one user's events are in the outbox in the order of their
/// commits.
#[async_trait]
pub trait UserTransaction: SessionWrites + AnswerWrites + PasswordResetWrites + Send {
    /// The account of that id, which no other transaction changes until this one ends.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`]; after one, nothing but dropping the transaction is left to do.
    async fn lock(&mut self, id: UserId) -> Result<Option<User>, RepositoryError>;

    /// Adds an account.
    ///
    /// # Errors
    ///
    /// [`RepositoryError::Taken`] naming each field whose value another account has, without regard to
    /// case.
    async fn insert(&mut self, user: &User) -> Result<(), RepositoryError>;

    /// Writes every column of an account that was locked before.
    ///
    /// # Errors
    ///
    /// As for [`insert`](Self::insert).
    async fn update(&mut self, user: &User) -> Result<(), RepositoryError>;

    /// Writes the hash of the same password anew, and nothing else, to an account that was locked before. No change
    /// that anybody is told of.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn rehash(&mut self, id: UserId, hash: &PasswordHash) -> Result<(), RepositoryError>;

    /// Removes an account that was locked before. What belongs to it is removed by methods of its own.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn delete(&mut self, id: UserId) -> Result<(), RepositoryError>;

    /// Adds an event to the outbox, behind every earlier event of the same user.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn append(&mut self, event: &UserEvent) -> Result<(), RepositoryError>;

    /// Makes all of it durable and wakes whoever follows the outbox in this process.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`]. When the connection broke during the commit, nobody knows whether it took
    /// place; it did wholly or not at all.
    async fn commit(self: Box<Self>) -> Result<(), RepositoryError>;
}
