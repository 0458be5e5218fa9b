use std::sync::Arc;
use std::time::Duration;

use super::OperatorError;
use crate::entities::{LedgerEntry, LinkLifetimes, MailState, NotificationId};
use crate::repositories::{OperatorLedger, SuppressedAddresses};

/// Puts one mail back into the queue, whatever became of it.
pub struct ResendMail {
    ledger: Arc<dyn OperatorLedger>,
    suppressed: Arc<dyn SuppressedAddresses>,
    links: LinkLifetimes,
}

impl ResendMail {
    /// Into that ledger's queue; a mail whose link counts no longer is not sent.
    pub fn new(
        ledger: Arc<dyn OperatorLedger>,
        suppressed: Arc<dyn SuppressedAddresses>,
        links: LinkLifetimes,
    ) -> Self {
        Self { ledger, suppressed, links }
    }

    /// Puts it back, due at once, and ends a suppression of its address: whoever resends a mail means it. It has the same
    /// `Message-ID` as before.
    ///
    /// # Errors
    ///
    /// [`OperatorError`], with what stands against it.
    pub async fn execute(&self, id: NotificationId) -> Result<LedgerEntry, OperatorError> {
        let entry = self.ledger.entry(id).await?.ok_or(OperatorError::NoSuchMail(id))?;
        let Some(recipient) = &entry.recipient else { return Err(ERASED) };
        if entry.state == MailState::Queued {
            return Err(QUEUED);
        }
        if entry.link_has_expired(self.links) {
            return Err(EXPIRED);
        }
        self.suppressed.lift(recipient).await?;
        let is_back = self.ledger.requeue(id, Duration::ZERO).await?;
        let entry = self.ledger.entry(id).await?.ok_or(OperatorError::NoSuchMail(id))?;
        match (is_back, &entry.recipient) {
            (true, _) => Ok(entry),
            (false, None) => Err(ERASED),
            (false, Some(_)) => Err(QUEUED),
        }
    }
}

const ERASED: OperatorError = OperatorError::NotPossible("nobody knows any more whom the mail went to");
const QUEUED: OperatorError = OperatorError::NotPossible("the mail is to be sent already");
const EXPIRED: OperatorError =
    OperatorError::NotPossible("the mail's link counts no longer; the user has to ask for another one");
