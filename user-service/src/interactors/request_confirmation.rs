use std::sync::Arc;

use shared_kernel::{AccountStatus, UserId};

use super::change_user::stamp;
use super::idempotent::{Effect, Idempotence, Once, Outcome};
use super::user_error::UserError;
use crate::entities::{self, Caller};
use crate::repositories::{Clock, IdGenerator, UserTransaction};

/// Asks for another mail with the link that confirms the address that waits for it.
pub struct RequestConfirmation {
    idempotence: Arc<Idempotence>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

/// What [`RequestConfirmation`] needs to know.
#[derive(Debug, Clone)]
pub struct RequestConfirmationInput {
    /// Who asks for it.
    pub caller: Caller,
    /// Whose account.
    pub id: UserId,
    /// To be carried out once, however often it is asked for.
    pub once: Option<Once<()>>,
    /// The W3C trace context of the request.
    pub traceparent: Option<String>,
}

impl RequestConfirmation {
    /// Wires the use case to its ports.
    pub fn new(idempotence: Arc<Idempotence>, clock: Arc<dyn Clock>, ids: Arc<dyn IdGenerator>) -> Self {
        Self { idempotence, clock, ids }
    }

    /// Asks for the mail, durably. When no address waits for a confirmation, there is nothing to send and nothing is
    /// asked for.
    ///
    /// # Errors
    ///
    /// [`UserError::Forbidden`], [`UserError::NotFound`], [`UserError::KeyReused`], or a failure of a port.
    pub async fn execute(&self, input: RequestConfirmationInput) -> Result<Outcome<()>, UserError> {
        if !input.caller.may_access(input.id) {
            return Err(UserError::Forbidden);
        }
        if let Some(answer) = self.idempotence.earlier_answer(input.once.as_ref()).await? {
            return Ok(Outcome::Repeated(answer));
        }
        let effect = async |mut transaction: Box<dyn UserTransaction>| {
            let user = transaction.lock(input.id).await?.ok_or(UserError::NotFound)?;
            if user.pending_email.is_some() || user.status == AccountStatus::Unconfirmed {
                let stamp = stamp(&*self.clock, &*self.ids);
                let event = entities::confirmation_requested(&user, stamp, input.traceparent.clone());
                transaction.append(&event).await?;
            }
            Ok(Effect { transaction, outcome: (), about: Some(input.id) })
        };
        self.idempotence.carry_out(input.once.as_ref(), effect).await
    }
}
