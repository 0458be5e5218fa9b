use std::time::Duration;

use shared_kernel::UserId;

use crate::entities::{NotificationId, NotificationKind};
use crate::repositories::LedgerError;

/// What became of one claimed notification. Holds nothing that may not be logged.
#[derive(Debug)]
pub struct Delivery {
    /// The notification.
    pub id: NotificationId,
    /// Which mail it is.
    pub kind: NotificationKind,
    /// Whose account it is about.
    pub user_id: UserId,
    /// The address, masked.
    pub recipient: String,
    /// The trace context of the request that made the change.
    pub traceparent: Option<String>,
    /// How it ended.
    pub ending: Ending,
    /// Why the ledger does not know the ending, so that it will be tried again: the lease went to another
    /// worker, or the ledger was away for too long.
    pub not_recorded: Option<LedgerError>,
}

/// How the delivery of one notification ended. Words are the server's, with the address masked.
#[derive(Debug)]
pub enum Ending {
    /// A server accepted it.
    Sent,
    /// It was put off, and is due again after that time.
    PutOff {
        /// The time.
        after: Duration,
        /// Why.
        words: String,
    },
    /// It is given up.
    Dead {
        /// Why.
        words: String,
    },
    /// The server was not available; it waits without having used up an attempt.
    ServerUnavailable {
        /// Why.
        words: String,
    },
    /// It was put back untried: the server had become unavailable, or too little was left of the lease.
    Released,
}
