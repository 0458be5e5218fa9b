use std::sync::Arc;

use super::OperatorError;
use crate::entities::{Attempt, LedgerEntry, MailFilter, NotificationId, StateCounts};
use crate::repositories::{NotificationLedger, OperatorLedger, Page, PageStart};

/// Shows an operator what there is.
pub struct InspectMails {
    ledger: Arc<dyn OperatorLedger>,
    attempts: Arc<dyn NotificationLedger>,
}

/// A part of the list, the latest mails first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailPage {
    /// The mails.
    pub entries: Vec<LedgerEntry>,
    /// Where the next part begins; `None` when there is none.
    pub next: Option<i64>,
}

/// One mail, with all that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailHistory {
    /// The mail.
    pub entry: LedgerEntry,
    /// Its last attempts, the oldest first.
    pub attempts: Vec<Attempt>,
}

impl InspectMails {
    /// The most mails of one page.
    pub const MOST: u32 = 200;

    /// Of that ledger, through both of its ports.
    pub fn new(ledger: Arc<dyn OperatorLedger>, attempts: Arc<dyn NotificationLedger>) -> Self {
        Self { ledger, attempts }
    }

    /// How many mails there are in each state.
    ///
    /// # Errors
    ///
    /// [`OperatorError::Ledger`].
    pub async fn count(&self) -> Result<StateCounts, OperatorError> {
        Ok(self.ledger.count_states().await?)
    }

    /// The mails that fit, the latest first, from that place on; at most [`MOST`](Self::MOST), whatever `limit` says.
    ///
    /// # Errors
    ///
    /// [`OperatorError::Ledger`].
    pub async fn list(
        &self,
        filter: &MailFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<MailPage, OperatorError> {
        let limit = limit.clamp(1, Self::MOST);
        let from = before.map_or(PageStart::Newest, PageStart::Before);
        // One more tells whether there is a next page.
        let mut entries = self.ledger.list(filter, Page { from, limit: limit + 1 }).await?;
        let has_more = entries.len() > limit as usize;
        entries.truncate(limit as usize);
        let next = entries.last().map(|entry| entry.place).filter(|_| has_more);
        Ok(MailPage { entries, next })
    }

    /// One mail with its attempts.
    ///
    /// # Errors
    ///
    /// [`OperatorError::NoSuchMail`], [`OperatorError::Ledger`].
    pub async fn show(&self, id: NotificationId) -> Result<MailHistory, OperatorError> {
        let entry = self.ledger.entry(id).await?.ok_or(OperatorError::NoSuchMail(id))?;
        let attempts = self.attempts.attempts(id).await?;
        Ok(MailHistory { entry, attempts })
    }
}
