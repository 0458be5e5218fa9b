use async_trait::async_trait;

use super::PasswordHasherError;
use crate::entities::{NewPassword, Violation};

/// Judges how hard a new password is to guess.
///
/// An adapter must take into account what is known of the person, and must not block the caller's thread.
#[async_trait]
pub trait PasswordStrength: Send + Sync {
    /// `Ok(None)` when it is hard enough to guess for somebody who knows `personal`, the username and the
    /// addresses, say; otherwise what is wrong with it, which repeats nothing of it. Cancelling abandons the
    /// result.
    ///
    /// # Errors
    ///
    /// [`PasswordHasherError`]; the password is not at fault.
    async fn weakness(
        &self,
        password: &NewPassword,
        personal: &[&str],
    ) -> Result<Option<Violation>, PasswordHasherError>;
}
