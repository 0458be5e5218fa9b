use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shared_kernel::UserId;
use thiserror::Error;

use super::{AdapterError, UserTransaction};
use crate::entities::{Login, PageRequest, UniqueField, User};

/// The accounts.
#[async_trait]
pub trait UserRepository: Send + Sync {
    /// The account of that id, as last committed.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn find(&self, id: UserId) -> Result<Option<User>, RepositoryError>;

    /// The account that has this username or this address in force, without regard to case.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn find_by_login(&self, login: &Login) -> Result<Option<User>, RepositoryError>;

    /// Accounts whose owner was asked before that moment to confirm the address, and has not, at most `max`, longest
    /// asked first. Not those of admins.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn unconfirmed_since(
        &self,
        before: DateTime<Utc>,
        max: u32,
    ) -> Result<Vec<UserId>, RepositoryError>;

    /// Accounts in the order of their ids, which is the order of registration. A page costs the same wherever it
    /// is and whatever the filter.
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

/// Why the accounts could not be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// Another account has these.
    #[error("another account has the same {0:?}")]
    Taken(Vec<UniqueField>),
    /// An answer to this idempotent request is there already.
    #[error("the request was answered before")]
    Answered,
    /// The same idempotent request is being carried out, and did not come to an end in time.
    #[error("the same request is being carried out")]
    InProgress,
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
        matches!(self, Self::InProgress | Self::Contention(_) | Self::Unavailable(_))
    }
}
