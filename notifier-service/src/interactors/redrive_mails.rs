use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::OperatorError;
use crate::entities::{LedgerEntry, LinkLifetimes, MailFilter, MailState, NotificationId};
use crate::repositories::{OperatorLedger, Page, PageStart};

/// Puts mails that were given up back into the queue, many at once.
///
/// Suppressions of addresses stay: a mail to such an address is given up again without being tried.
pub struct RedriveMails {
    ledger: Arc<dyn OperatorLedger>,
    links: LinkLifetimes,
}

/// Which mails, how many and how fast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedriveRequest {
    /// Which mails; their state is always `dead`. With `requeued_less_than`, a mail that was put back so often already
    /// is left: it would only be given up again.
    pub filter: MailFilter,
    /// The most mails, the earliest first.
    pub limit: u32,
    /// How many of them become due a second.
    pub per_second: NonZeroU32,
    /// Only tells what would be done.
    pub is_dry_run: bool,
}

/// What was done, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redriven {
    /// The mails that were put back, the earliest first.
    pub requeued: Vec<NotificationId>,
    /// How many were left because their links count no longer.
    pub link_expired: u64,
    /// How many were left because nobody knows any more whom they went to.
    pub erased: u64,
    /// How many were no longer dead when their turn came.
    pub changed_meanwhile: u64,
}

impl RedriveMails {
    /// The most mails of one redrive.
    pub const MOST: u32 = 10_000;
    /// How often a mail is put back unless the request says otherwise.
    pub const REQUEUED_LESS_THAN: u32 = 3;
    /// How many mails are read at once.
    const PAGE: u32 = 200;

    /// In that ledger.
    pub fn new(ledger: Arc<dyn OperatorLedger>, links: LinkLifetimes) -> Self {
        Self { ledger, links }
    }

    /// Puts back what fits. Cancelling it leaves those that were put back.
    ///
    /// # Errors
    ///
    /// [`OperatorError::Ledger`]; some may have been put back. The same request goes on with the others.
    pub async fn execute(&self, request: &RedriveRequest) -> Result<Redriven, OperatorError> {
        let filter = MailFilter { state: Some(MailState::Dead), ..request.filter.clone() };
        let limit = request.limit.min(Self::MOST) as usize;
        let mut done = Redriven::default();
        let mut last = 0;
        while done.requeued.len() < limit {
            let page = Page { from: PageStart::After(last), limit: Self::PAGE };
            let entries = self.ledger.list(&filter, page).await?;
            let Some(entry) = entries.last() else { break };
            last = entry.place;
            for entry in entries {
                if done.requeued.len() == limit {
                    break;
                }
                self.redrive(&entry, request, &mut done).await?;
            }
        }
        Ok(done)
    }

    async fn redrive(
        &self,
        entry: &LedgerEntry,
        request: &RedriveRequest,
        done: &mut Redriven,
    ) -> Result<(), OperatorError> {
        if entry.recipient.is_none() {
            done.erased += 1;
            return Ok(());
        }
        if entry.link_has_expired(self.links) {
            done.link_expired += 1;
            return Ok(());
        }
        let turn = u32::try_from(done.requeued.len()).unwrap_or(u32::MAX);
        let after = Duration::from_secs(1) * turn / request.per_second.get();
        if request.is_dry_run || self.ledger.requeue(entry.id, after).await? {
            done.requeued.push(entry.id);
        } else {
            done.changed_meanwhile += 1;
        }
        Ok(())
    }
}
