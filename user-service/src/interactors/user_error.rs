use thiserror::Error;

use crate::entities::{FieldViolation, UniqueField};
use crate::repositories::{PasswordHasherError, RepositoryError, SecretGeneratorError};

/// Why a use case on accounts was refused or failed. Whoever drives it decides how to say so.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UserError {
    /// There is no such account.
    #[error("there is no such user")]
    NotFound,
    /// Another account has these, without regard to case.
    #[error("another account has the same {}", in_words(.0))]
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
    /// The caller has not shown who they are, or their session has ended.
    #[error("the caller is not logged in")]
    Unauthenticated,
    /// The caller may not do this.
    #[error("the caller may not do this")]
    Forbidden,
    /// No account has this name and this password. Which of the two is wrong is nobody's business.
    #[error("no account has this name and password")]
    WrongCredentials,
    /// The token of a link does not count (any more).
    #[error("the token does not count any more")]
    BadToken,
    /// The idempotency key stands for another request.
    #[error("the idempotency key stands for another request")]
    KeyReused,
    /// The accounts could not be read or written.
    #[error("the accounts could not be used")]
    Repository(#[source] RepositoryError),
    /// The password could not be hashed or verified.
    #[error("the password could not be taken")]
    Password(#[source] PasswordHasherError),
    /// No secret could be made.
    #[error("no secret could be made")]
    Secret(#[source] SecretGeneratorError),
}

fn in_words(fields: &[UniqueField]) -> String {
    let names: Vec<_> = fields
        .iter()
        .map(|field| match field {
            UniqueField::Username => "username",
            UniqueField::Email => "e-mail address",
        })
        .collect();
    names.join(" and ")
}

impl From<RepositoryError> for UserError {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::Taken(fields) => Self::Taken(fields),
            other => Self::Repository(other),
        }
    }
}

impl From<shared_kernel::BadActionToken> for UserError {
    fn from(_: shared_kernel::BadActionToken) -> Self {
        Self::BadToken
    }
}

impl UserError {
    /// Whether the same call can succeed when it is made again.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Repository(error) if error.is_retryable())
    }

    /// Whether the same idempotent request is being carried out, so that its answer can be had in a moment.
    pub fn is_in_progress(&self) -> bool {
        matches!(self, Self::Repository(RepositoryError::InProgress))
    }
}
