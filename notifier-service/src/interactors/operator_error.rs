use thiserror::Error;

use crate::entities::NotificationId;
use crate::repositories::LedgerError;

/// Why an operator's wish was not done.
#[derive(Debug, Error)]
pub enum OperatorError {
    /// There is no such mail.
    #[error("there is no mail {0}")]
    NoSuchMail(NotificationId),
    /// The mail is not in a state in which that can be done.
    #[error("{0}")]
    NotPossible(&'static str),
    /// The ledger did not do its part; the same call may succeed later.
    #[error("the ledger did not do its part")]
    Ledger(#[source] LedgerError),
}

impl From<LedgerError> for OperatorError {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}
