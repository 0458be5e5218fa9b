use std::sync::Arc;

use shared_kernel::UserId;

use super::change_user::{stamp, with_retries};
use super::credentials::hash_if_strong;
use super::user_error::UserError;
use crate::entities::{self, NewPassword, Registration, User};
use crate::repositories::{Clock, IdGenerator, PasswordHasher, PasswordStrength, UserRepository};

/// Makes the account of an administrator, for the operator, who needs no login.
pub struct CreateAdmin {
    users: Arc<dyn UserRepository>,
    strength: Arc<dyn PasswordStrength>,
    passwords: Arc<dyn PasswordHasher>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl CreateAdmin {
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

    /// Makes the account; it is durable when this returns. Its address counts as confirmed.
    ///
    /// # Errors
    ///
    /// [`UserError::Taken`], [`UserError::Invalid`], or a failure of a port.
    pub async fn execute(
        &self,
        registration: Registration,
        password: NewPassword,
    ) -> Result<User, UserError> {
        registration.check(self.clock.now().date_naive()).map_err(UserError::Invalid)?;
        let personal = registration.personal();
        let password =
            hash_if_strong(&*self.strength, &*self.passwords, password, &personal, "password").await?;
        let id = UserId(self.ids.next_id());
        let user = User::register_admin(registration, password, id, stamp(&*self.clock, &*self.ids));
        let event = entities::registered(&user, None);
        with_retries(|| async {
            let mut transaction = self.users.begin().await?;
            transaction.insert(&user).await?;
            transaction.append(&event).await?;
            Ok(transaction.commit().await?)
        })
        .await?;
        Ok(user)
    }
}
