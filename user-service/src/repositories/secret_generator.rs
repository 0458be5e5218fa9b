use thiserror::Error;

use super::AdapterError;

/// Secrets that nobody can guess.
pub trait SecretGenerator: Send + Sync {
    /// 256 bits from the system's source of randomness.
    ///
    /// # Errors
    ///
    /// [`SecretGeneratorError`].
    fn next_secret(&self) -> Result<[u8; 32], SecretGeneratorError>;
}

/// The system gave no randomness. Trying again does not help: it is a fault of the set-up.
#[derive(Debug, Error)]
#[error("the system gave no random bytes")]
pub struct SecretGeneratorError(#[source] pub AdapterError);
