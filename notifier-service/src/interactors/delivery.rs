use std::time::Duration;

use futures_util::future::BoxFuture;
use shared_kernel::UserId;

use crate::entities::{Answer, BreakerChange, NotificationId, NotificationKind};
use crate::repositories::LedgerError;

/// What a worker has to do next.
pub struct Round {
    /// One for each mail that was claimed: to be run at once and side by side, since their leases run. No two
    /// have the same user and recipient.
    pub deliveries: Vec<BoxFuture<'static, Delivery>>,
    /// Why nothing was claimed: no mail server is to be had, and asking again is of use after that time.
    pub pause: Option<Duration>,
}

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
    /// Which attempt it was, from 1; one that used up none is counted again.
    pub attempt: u32,
    /// Time from the event to the end of the attempt, by the ledger's clock; `None` when the row does not tell when the
    /// event was made.
    pub since_event: Option<Duration>,
    /// How it ended.
    pub ending: Ending,
    /// Why the ledger does not know the ending, so that it will be tried again: the lease went to another
    /// worker, or the ledger was away for too long.
    pub not_recorded: Option<LedgerError>,
    /// What this delivery showed of the mail server, where that is news.
    pub breaker: Option<BreakerChange>,
}

/// No mail server is to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// For how long.
    pub lasts: Duration,
    /// What was said the last time, before any address was named.
    pub answer: Option<Answer>,
}

/// How the delivery of one notification ended. Words are the server's, with the address masked.
#[derive(Debug)]
pub enum Ending {
    /// A server accepted it.
    Sent(Answer),
    /// It was put off, and is due again after that time.
    PutOff {
        /// The time.
        after: Duration,
        /// Why.
        answer: Answer,
    },
    /// It is given up.
    Dead(Answer),
    /// The server was not available; it waits without having used up an attempt.
    ServerUnavailable(Answer),
    /// It was put back untried: the server had become unavailable, or too little was left of the lease.
    Released,
    /// It was left to whoever has it now: the lease was lost before it was sent.
    LeaseLost,
}
