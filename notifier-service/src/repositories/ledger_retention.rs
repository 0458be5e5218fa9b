use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::LedgerError;

/// What the ledger no longer needs to hold.
///
/// To erase a row takes out of it, and of its attempts, everything about a person: addresses, names, what changed, trace
/// context and the servers' words. Its ids stay, so that an event which comes again is still recognised. To forget a row
/// takes that away too. All times are by the ledger's own clock. Rows that are still to be sent are never touched. Any
/// number of callers may do all of this at once; each call is one short transaction.
#[async_trait]
pub trait LedgerRetention: Send + Sync {
    /// Erases up to `max` rows that have been finished (sent, dead or cancelled) for that long, the oldest first, and
    /// tells how many.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Unavailable`].
    async fn erase_finished(&self, age: Duration, max: u32) -> Result<u64, LedgerError>;

    /// Erases up to `max` rows of users who were deleted, and tells how many: of those with a finished mail of the kind
    /// `deleted`, and none that is still to be sent.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Unavailable`].
    async fn erase_deleted_users(&self, max: u32) -> Result<u64, LedgerError>;

    /// When the latest was recorded of those rows that [`forget`](Self::forget) would look at; `None` when there are
    /// none.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Unavailable`].
    async fn latest_to_forget(&self, age: Duration, max: u32) -> Result<Option<DateTime<Utc>>, LedgerError>;

    /// Of the `max` rows that were erased first, and at least that long ago, forgets those that were recorded at
    /// `recorded_by` or before, with their attempts, and tells how many.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Unavailable`].
    async fn forget(&self, age: Duration, recorded_by: DateTime<Utc>, max: u32) -> Result<u64, LedgerError>;
}
