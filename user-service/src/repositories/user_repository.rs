use async_trait::async_trait;
use shared_kernel::{UserEvent, UserId};
use thiserror::Error;

use super::AdapterError;
use crate::entities::{UniqueField, User};

/// The accounts.
#[async_trait]
pub trait UserRepository: Send + Sync {
    /// The account of that id, as last committed.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn find(&self, id: UserId) -> Result<Option<User>, RepositoryError>;

    /// Accounts in the order of their ids, which is the order of registration.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn list(&self, page: PageRequest) -> Result<Vec<User>, RepositoryError>;

    /// Opens a transaction. Dropping it undoes it, also when the caller is cancelled.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn begin(&self) -> Result<Box<dyn UserTransaction>, RepositoryError>;
}

/// One transaction over the accounts and the outbox: either both are written or neither.
///
/// An adapter must make [`lock`](Self::lock), [`insert`](Self::insert), [`update`](Self::update) and
/// [`delete`](Self::delete) hold the account's row until the end, and must let [`append`](Self::append)
/// give the outbox row its place only then: so one user's events are in the outbox in the order of their
/// commits.
#[async_trait]
pub trait UserTransaction: Send {
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

    /// Removes an account that was locked before.
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

/// Which accounts to list.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest {
    /// Only accounts with a greater id.
    pub after: Option<UserId>,
    /// At most so many.
    pub limit: u32,
}

/// Why the accounts could not be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// Another account has these.
    #[error("another account has the same {0:?}")]
    Taken(Vec<UniqueField>),
    /// Another transaction was in the way; nothing was written, and the whole of it may be tried again
    /// at once.
    #[error("another transaction was in the way")]
    Contention(#[source] AdapterError),
    /// The database cannot be reached or is too busy; trying again later can help.
    #[error("the database is not available")]
    Unavailable(#[source] AdapterError),
    /// The database refused or returned what it never should; trying again does not help.
    #[error("the database could not do what was asked")]
    Failed(#[source] AdapterError),
}

impl RepositoryError {
    /// Whether the same call can succeed when it is made again.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Contention(_) | Self::Unavailable(_))
    }
}
