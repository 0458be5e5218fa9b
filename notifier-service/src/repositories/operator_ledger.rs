use std::time::Duration;

use async_trait::async_trait;

use super::LedgerError;
use crate::entities::{LedgerEntry, MailFilter, NotificationId, StateCounts};

/// What an operator may see of the ledger, and do to it. It is the same ledger that workers claim from.
///
/// A mail that was put back keeps its place in the order of recording. So it goes before mails to the same user and
/// address that were recorded later and are still to be sent; one of those that a worker holds already may be sent before
/// it or at the same time.
#[async_trait]
pub trait OperatorLedger: Send + Sync {
    /// How many mails there are in each state.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Unavailable`].
    async fn count_states(&self) -> Result<StateCounts, LedgerError>;

    /// Up to `limit` mails that fit the filter, in the order of recording or against it, beyond that place. A mail whose
    /// recording commits late may come into a part that was read already.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Unavailable`].
    async fn list(&self, filter: &MailFilter, page: Page) -> Result<Vec<LedgerEntry>, LedgerError>;

    /// That mail, if there is one.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Unavailable`].
    async fn entry(&self, id: NotificationId) -> Result<Option<LedgerEntry>, LedgerError>;

    /// Puts a mail that is sent, dead or cancelled back into the queue, due `after` from now and as young as a new one.
    /// `false`, and nothing is changed, when it is queued, was erased or is not there.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Unavailable`].
    async fn requeue(&self, id: NotificationId, after: Duration) -> Result<bool, LedgerError>;

    /// Takes a mail out of the queue for good. `false`, and nothing is changed, when it is not queued, or a worker holds
    /// a lease on it that still runs: then the mail may be on its way.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Unavailable`].
    async fn cancel(&self, id: NotificationId) -> Result<bool, LedgerError>;
}

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// From where on.
    pub from: PageStart,
    /// The most entries.
    pub limit: u32,
}

/// Where a page begins, and in which direction it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStart {
    /// The latest first.
    Newest,
    /// Those recorded before that place, the latest first.
    Before(i64),
    /// Those recorded after that place, the earliest first; 0 for all.
    After(i64),
}
