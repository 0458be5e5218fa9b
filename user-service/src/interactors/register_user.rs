use std::sync::Arc;

use shared_kernel::UserId;

use super::change_user::{stamp, with_retries};
use super::user_error::UserError;
use crate::entities::{self, NewPassword, Registration, User};
use crate::repositories::{Clock, IdGenerator, PasswordHasher, UserRepository};

/// Makes an account and tells of it, in one transaction.
pub struct RegisterUser {
    users: Arc<dyn UserRepository>,
    passwords: Arc<dyn PasswordHasher>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

/// What [`RegisterUser`] needs to know.
#[derive(Debug, Clone)]
pub struct RegisterUserInput {
    /// What the person says of themselves.
    pub registration: Registration,
    /// The password that they chose.
    pub password: NewPassword,
    /// The W3C trace context of the request.
    pub traceparent: Option<String>,
}

impl RegisterUser {
    /// Wires the use case to its ports.
    pub fn new(
        users: Arc<dyn UserRepository>,
        passwords: Arc<dyn PasswordHasher>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { users, passwords, clock, ids }
    }

    /// Makes the account; it is durable when this returns. Cancelling undoes it, unless it was
    /// committing.
    ///
    /// # Errors
    ///
    /// [`UserError::Taken`], [`UserError::Invalid`], or a failure of a port.
    pub async fn execute(&self, input: RegisterUserInput) -> Result<User, UserError> {
        let RegisterUserInput { registration, password, traceparent } = input;
        registration.check(self.clock.now().date_naive()).map_err(UserError::Invalid)?;
        let password = self.passwords.hash(password).await.map_err(UserError::Password)?;
        let id = UserId(self.ids.next_id());
        let stamp = stamp(&*self.clock, &*self.ids);
        let user = User::register(registration, password, id, stamp);
        let event = entities::registered(&user, traceparent);
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
