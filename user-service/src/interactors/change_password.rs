use std::sync::Arc;

use shared_kernel::UserId;

use super::change_user::{stamp, with_retries, write};
use super::credentials::{check_current, hash_if_strong, incorrect};
use super::user_error::UserError;
use crate::entities::{Caller, GivenPassword, NewPassword};
use crate::repositories::{Clock, IdGenerator, PasswordHasher, PasswordStrength, UserRepository};

/// Gives the caller's own account a new password and ends its other sessions.
pub struct ChangePassword {
    users: Arc<dyn UserRepository>,
    strength: Arc<dyn PasswordStrength>,
    passwords: Arc<dyn PasswordHasher>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

/// What [`ChangePassword`] needs to know.
#[derive(Debug, Clone)]
pub struct ChangePasswordInput {
    /// Who asks for it.
    pub caller: Caller,
    /// Whose password: the caller's.
    pub id: UserId,
    /// The password until now.
    pub current: GivenPassword,
    /// The password from now on.
    pub new: NewPassword,
    /// The W3C trace context of the request.
    pub traceparent: Option<String>,
}

impl ChangePassword {
    /// Wires the use case to its ports.
    pub fn new(
        users: Arc<dyn UserRepository>,
        strength: Arc<dyn PasswordStrength>,
        passwords: Arc<dyn PasswordHasher>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { users, strength, passwords, clock, ids }
    }

    /// Changes the password, durably; of the account's sessions only the caller's goes on. Cancelling undoes it,
    /// unless it was committing.
    ///
    /// # Errors
    ///
    /// [`UserError::Forbidden`], [`UserError::NotFound`], [`UserError::Invalid`], or a failure of a port.
    pub async fn execute(&self, input: ChangePasswordInput) -> Result<(), UserError> {
        let ChangePasswordInput { caller, id, current, new, traceparent } = input;
        // An admin could only do it by knowing the password; who has forgotten it resets it.
        if !caller.is(id) {
            return Err(UserError::Forbidden);
        }
        let user = self.users.find(id).await?.ok_or(UserError::NotFound)?;
        check_current(&*self.passwords, &user, Some(&current)).await?;
        let hash =
            hash_if_strong(&*self.strength, &*self.passwords, new, &user.personal(), "newPassword").await?;
        with_retries(|| async {
            let mut transaction = self.users.begin().await?;
            let before = transaction.lock(id).await?.ok_or(UserError::NotFound)?;
            if before.password_changed_at != user.password_changed_at {
                return Err(incorrect());
            }
            let after = before.with_new_password(hash.clone(), stamp(&*self.clock, &*self.ids));
            transaction.end_sessions_of(id, Some(caller.session)).await?;
            write(transaction, &before, &after, traceparent.clone()).await
        })
        .await
    }
}
