use std::time::Duration;

use async_trait::async_trait;

use super::LedgerError;
use crate::entities::NotificationId;

/// What waits in the ledger, from the side of whoever watches the workers.
#[async_trait]
pub trait LedgerWatch: Send + Sync {
    /// The mail that a worker would claim next: of all that can be claimed the one that has been due for the longest.
    /// It is another one whenever that mail was claimed.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Unavailable`].
    async fn next_due(&self) -> Result<Option<DueMail>, LedgerError>;

    /// How many addresses get no mail for now, since a server refused them for good.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Unavailable`].
    async fn count_suppressed(&self) -> Result<u64, LedgerError>;
}

/// A mail that could be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueMail {
    /// Which.
    pub id: NotificationId,
    /// For how long it has been due, by the ledger's clock.
    pub due_for: Duration,
}
