use async_trait::async_trait;
use thiserror::Error;

use super::AdapterError;
use crate::entities::{GivenPassword, NewPassword, PasswordHash};

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

    /// Holds a password against a hash, or, when there is none, against one that nothing matches: both take
    /// the same time, so that whoever asks cannot tell whether there is an account; only a hash that cost more than
    /// one of today takes longer. What is stored and is no hash of this kind, no password matches. Cancelling abandons
    /// the result, not the work.
    ///
    /// # Errors
    ///
    /// [`PasswordHasherError`].
    async fn verify(
        &self,
        password: &GivenPassword,
        against: Option<&PasswordHash>,
    ) -> Result<Verification, PasswordHasherError>;

    /// Hashes a password anew that was just found to match.
    ///
    /// # Errors
    ///
    /// [`PasswordHasherError`].
    async fn rehash(&self, password: &GivenPassword) -> Result<PasswordHash, PasswordHasherError>;
}

/// What came of holding a password against a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// It is another password, or there was no hash.
    Wrong,
    /// It matches.
    Matches,
    /// It matches, and the hash was made by other parameters than those of today.
    MatchesOutdated,
}

impl Verification {
    /// Whether the password is the one that was hashed.
    pub fn matches(self) -> bool {
        self != Self::Wrong
    }
}

/// Hashing failed. Trying the same again does not help: it is a fault of the set-up.
#[derive(Debug, Error)]
#[error("the password could not be hashed")]
pub struct PasswordHasherError(#[source] pub AdapterError);
