use std::sync::Arc;

use super::OperatorError;
use crate::entities::{LedgerEntry, MailState, NotificationId};
use crate::repositories::OperatorLedger;

/// Takes one mail out of the queue.
pub struct CancelMail {
    ledger: Arc<dyn OperatorLedger>,
}

impl CancelMail {
    /// Out of that ledger's queue.
    pub fn new(ledger: Arc<dyn OperatorLedger>) -> Self {
        Self { ledger }
    }

    /// Takes it out; later mails to the same address no longer wait for it.
    ///
    /// # Errors
    ///
    /// [`OperatorError`], with what stands against it.
    pub async fn execute(&self, id: NotificationId) -> Result<LedgerEntry, OperatorError> {
        let is_out = self.ledger.cancel(id).await?;
        let entry = self.ledger.entry(id).await?.ok_or(OperatorError::NoSuchMail(id))?;
        match (is_out, entry.state) {
            (true, _) => Ok(entry),
            (false, MailState::Queued) => {
                Err(OperatorError::NotPossible("the mail is being sent; look again soon"))
            }
            (false, MailState::Sent) => Err(OperatorError::NotPossible("the mail was sent already")),
            (false, MailState::Dead) => Err(OperatorError::NotPossible("the mail was given up already")),
            (false, MailState::Cancelled) => {
                Err(OperatorError::NotPossible("the mail was cancelled already"))
            }
        }
    }
}
