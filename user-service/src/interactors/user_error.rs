use thiserror::Error;

use crate::entities::{FieldViolation, UniqueField};
use crate::repositories::{PasswordHasherError, RepositoryError};

/// Why a use case on accounts was refused or failed. Whoever drives it decides how to say so.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UserError {
    /// There is no such account.
    #[error("there is no such user")]
    NotFound,
    /// Another account has these, without regard to case.
    #[error("another account has the same {0:?}")]
    Taken(Vec<UniqueField>),
    /// A value breaks a rule that only the use case can check.
    #[error("the field {} {}", .0.field, .0.violation.message)]
    Invalid(FieldViolation),
    /// The account was changed since the caller read it.
    #[error("the user is at version {current}")]
    Stale {
        /// The version that it has now.
        current: i64,
    },
    /// The accounts could not be read or written.
    #[error("the accounts could not be used")]
    Repository(#[source] RepositoryError),
    /// The password could not be hashed.
    #[error("the password could not be taken")]
    Password(#[source] PasswordHasherError),
}

impl From<RepositoryError> for UserError {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::Taken(fields) => Self::Taken(fields),
            other => Self::Repository(other),
        }
    }
}

impl UserError {
    /// Whether the same call can succeed when it is made again.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Repository(error) if error.is_retryable())
    }
}
