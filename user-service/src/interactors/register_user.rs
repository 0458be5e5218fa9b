use std::sync::Arc;

use shared_kernel::UserId;

use super::change_user::stamp;
use super::credentials::hash_if_strong;
use super::idempotent::{Effect, Idempotence, Once, Outcome};
use super::user_error::UserError;
use crate::entities::{self, NewPassword, Registration, User};
use crate::repositories::{Clock, IdGenerator, PasswordHasher, PasswordStrength, UserTransaction};

/// Makes an account and tells of it, in one transaction.
pub struct RegisterUser {
    idempotence: Arc<Idempotence>,
    strength: Arc<dyn PasswordStrength>,
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
    /// To be carried out once, however often it is asked for.
    pub once: Option<Once<User>>,
    /// The W3C trace context of the request.
    pub traceparent: Option<String>,
}

impl RegisterUser {
    /// Wires the use case to its ports.
    pub fn new(
        idempotence: Arc<Idempotence>,
        strength: Arc<dyn PasswordStrength>,
        passwords: Arc<dyn PasswordHasher>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { idempotence, strength, passwords, clock, ids }
    }

    /// Makes the account; it is durable when this returns. Cancelling undoes it, unless it was
    /// committing.
    ///
    /// # Errors
    ///
    /// [`UserError::Taken`], [`UserError::Invalid`], [`UserError::KeyReused`], or a failure of a port.
    pub async fn execute(&self, input: RegisterUserInput) -> Result<Outcome<User>, UserError> {
        let RegisterUserInput { registration, password, once, traceparent } = input;
        registration.check(self.clock.now().date_naive()).map_err(UserError::Invalid)?;
        if let Some(answer) = self.idempotence.earlier_answer(once.as_ref()).await? {
            return Ok(Outcome::Repeated(answer));
        }
        let personal = registration.personal();
        let password =
            hash_if_strong(&*self.strength, &*self.passwords, password, &personal, "password").await?;
        let id = UserId(self.ids.next_id());
        let stamp = stamp(&*self.clock, &*self.ids);
        let user = User::register(registration, password, id, stamp);
        let event = entities::registered(&user, traceparent);
        let effect = async |mut transaction: Box<dyn UserTransaction>| {
            transaction.insert(&user).await?;
            transaction.append(&event).await?;
            Ok(Effect { transaction, outcome: user.clone(), about: Some(id) })
        };
        self.idempotence.carry_out(once.as_ref(), effect).await
    }
}
