use std::sync::Arc;

use super::idempotent::{Effect, Idempotence, Once, Outcome};
use super::user_error::UserError;
use crate::entities::EmailAddress;
use crate::repositories::{Clock, IdGenerator, PasswordResetRequest, UserTransaction};

/// Takes down that somebody has forgotten the password of the account with an address.
///
/// Whether there is such an account is not looked up here: [`AnswerPasswordResets`](super::AnswerPasswordResets)
/// does that later, so that neither the answer nor the time it takes tells.
pub struct RequestPasswordReset {
    idempotence: Arc<Idempotence>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl RequestPasswordReset {
    /// Wires the use case to its ports.
    pub fn new(idempotence: Arc<Idempotence>, clock: Arc<dyn Clock>, ids: Arc<dyn IdGenerator>) -> Self {
        Self { idempotence, clock, ids }
    }

    /// Takes the request down, durably.
    ///
    /// # Errors
    ///
    /// [`UserError::KeyReused`], or a failure of a port.
    pub async fn execute(
        &self,
        email: EmailAddress,
        once: Option<Once<()>>,
        traceparent: Option<String>,
    ) -> Result<Outcome<()>, UserError> {
        if let Some(answer) = self.idempotence.earlier_answer(once.as_ref()).await? {
            return Ok(Outcome::Repeated(answer));
        }
        let request = PasswordResetRequest {
            id: self.ids.next_id(),
            email,
            requested_at: self.clock.now(),
            traceparent,
        };
        let effect = async |mut transaction: Box<dyn UserTransaction>| {
            transaction.add_reset_request(&request).await?;
            Ok(Effect { transaction, outcome: (), about: None })
        };
        self.idempotence.carry_out(once.as_ref(), effect).await
    }
}
