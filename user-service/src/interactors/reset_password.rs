use std::sync::Arc;

use shared_kernel::{ActionPurpose, ActionToken, SigningKeys};

use super::change_user::{stamp, with_retries, write};
use super::credentials::hash_if_strong;
use super::user_error::UserError;
use crate::entities::NewPassword;
use crate::repositories::{Clock, IdGenerator, PasswordHasher, PasswordStrength, UserRepository};

/// Gives an account a new password, for whoever reads the mail of its address, and ends all its sessions.
pub struct ResetPassword {
    users: Arc<dyn UserRepository>,
    strength: Arc<dyn PasswordStrength>,
    passwords: Arc<dyn PasswordHasher>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
    keys: SigningKeys,
}

impl ResetPassword {
    /// Wires the use case to its ports; action tokens are verified by these keys.
    pub fn new(
        users: Arc<dyn UserRepository>,
        strength: Arc<dyn PasswordStrength>,
        passwords: Arc<dyn PasswordHasher>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
        keys: SigningKeys,
    ) -> Self {
        Self { users, strength, passwords, clock, ids, keys }
    }

    /// Changes the password, durably. Cancelling undoes it, unless it was committing.
    ///
    /// # Errors
    ///
    /// [`UserError::BadToken`], [`UserError::Invalid`], or a failure of a port.
    pub async fn execute(
        &self,
        token: &str,
        new: NewPassword,
        traceparent: Option<String>,
    ) -> Result<(), UserError> {
        let token = ActionToken::verify(token, ActionPurpose::ResetPassword, &self.keys, self.clock.now())?;
        // Looked at before the costly hashing, and again under the lock.
        let user = self.users.find(token.user_id).await?.filter(|user| user.lets_reset_password(&token));
        let user = user.ok_or(UserError::BadToken)?;
        let hash =
            hash_if_strong(&*self.strength, &*self.passwords, new, &user.personal(), "newPassword").await?;
        with_retries(|| async {
            let mut transaction = self.users.begin().await?;
            let before =
                transaction.lock(token.user_id).await?.filter(|user| user.lets_reset_password(&token));
            let before = before.ok_or(UserError::BadToken)?;
            let after = before.with_reset_password(hash.clone(), stamp(&*self.clock, &*self.ids));
            transaction.end_sessions_of(before.id, None).await?;
            write(transaction, &before, &after, traceparent.clone()).await
        })
        .await
    }
}
