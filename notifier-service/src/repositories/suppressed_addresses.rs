use std::time::Duration;

use async_trait::async_trait;

use super::LedgerError;
use crate::entities::{NotificationId, Recipient};

/// The addresses that a mail server refused for good, for as long as no mail is to be tried there.
///
/// Addresses are compared with their domain in lower case. All times are by the ledger's clock.
#[async_trait]
pub trait SuppressedAddresses: Send + Sync {
    /// Tries no mail there for that long from now. An address that is suppressed already stays so for the
    /// longer of the two times.
    ///
    /// * `refused`: the mail that was refused.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Unavailable`].
    async fn suppress(
        &self,
        address: &Recipient,
        time: Duration,
        refused: NotificationId,
    ) -> Result<(), LedgerError>;

    /// The mail that was refused there, while the address is suppressed.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Unavailable`].
    async fn find(&self, address: &Recipient) -> Result<Option<NotificationId>, LedgerError>;

    /// Ends a suppression, if there is one.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Unavailable`].
    async fn lift(&self, address: &Recipient) -> Result<(), LedgerError>;
}
