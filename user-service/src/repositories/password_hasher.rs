use async_trait::async_trait;
use thiserror::Error;

use super::AdapterError;
use crate::entities::{NewPassword, PasswordHash};

/// Turns passwords into what may be stored.
///
/// An adapter must use a memory-hard function with a fresh salt for each call, must not block the
/// caller's thread, and must bound how many it computes at once.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// Hashes. Takes tens of milliseconds by intent. Cancelling abandons the result, not the work.
    ///
    /// # Errors
    ///
    /// [`PasswordHasherError`]; the password is not at fault.
    async fn hash(&self, password: NewPassword) -> Result<PasswordHash, PasswordHasherError>;
}

/// Hashing failed. Trying the same again does not help: it is a fault of the set-up.
#[derive(Debug, Error)]
#[error("the password could not be hashed")]
pub struct PasswordHasherError(#[source] pub AdapterError);
