use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

use crate::entities::{Answer, Attempt, Claimed, Lease, Notification, NotificationId};

/// How many attempts of one mail are remembered. More than the retries of three days take.
pub const KEPT_ATTEMPTS: u32 = 100;

/// What is to be sent, was sent and could not be sent: one row a notification, kept after its end, so
/// that an event which comes again is recognised.
///
/// A row is `queued` until it is `sent` or `dead`. All times are by the ledger's own clock, never by a
/// worker's, so that workers whose clocks differ agree on leases and due times.
#[async_trait]
pub trait NotificationLedger: Send + Sync {
    /// Records a batch in its order: all of it or, on an error, nothing. A notification whose id is known
    /// changes nothing, whatever state its row is in; one of the batch that repeats another does not
    /// either. New rows are queued and due at once. When it returns, they are durable.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Rejected`] when a value of some notification can never be stored (nothing is ever
    /// shortened in silence); [`LedgerError::Unavailable`] otherwise.
    async fn record(&self, batch: &[Notification]) -> Result<RecordedCount, LedgerError>;

    /// Claims up to `max` rows for the time of `lease`, the longest due first, then in recorded order.
    ///
    /// A row can be claimed when it is queued and due, nobody holds a lease on it that still runs, and no
    /// queued row that was recorded earlier has the same user and recipient. So one user's mails to one
    /// address go out in order, and one that waits holds back nothing else.
    ///
    /// Any number of callers may claim at once, in any number of processes: no row goes to two of them, and
    /// none waits for another. Cancelling may leave rows claimed until their lease ends.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Unavailable`].
    async fn claim(&self, max: u32, lease: Duration) -> Result<Vec<Claimed>, LedgerError>;

    /// How much is left of a lease; zero when its time is over and nobody took the row over yet.
    ///
    /// # Errors
    ///
    /// [`LedgerError::LeaseLost`] when another claim took the row over or it is no longer queued.
    async fn time_left(&self, lease: &Lease) -> Result<Duration, LedgerError>;

    /// Ends a row as sent, and remembers the attempt.
    ///
    /// # Errors
    ///
    /// [`LedgerError::LeaseLost`] when another claim took the row over or it is no longer queued;
    /// everything is then left as it is.
    async fn mark_sent(&self, lease: &Lease, answer: &Answer) -> Result<(), LedgerError>;

    /// Puts a row back, due again `after` from now, which uses up an attempt, and remembers the attempt. The
    /// row, and those of the same user and recipient that wait behind it, get older by `after`.
    ///
    /// # Errors
    ///
    /// As [`mark_sent`](Self::mark_sent).
    async fn put_off(&self, lease: &Lease, after: Duration, answer: &Answer) -> Result<(), LedgerError>;

    /// Puts a row back for which no server was to be had, due at once, and remembers that. Uses up no attempt
    /// and makes nothing older.
    ///
    /// # Errors
    ///
    /// As [`mark_sent`](Self::mark_sent).
    async fn mark_unavailable(&self, lease: &Lease, answer: &Answer) -> Result<(), LedgerError>;

    /// Ends a row as dead, using up an attempt, and remembers the attempt.
    ///
    /// # Errors
    ///
    /// As [`mark_sent`](Self::mark_sent).
    async fn mark_dead(&self, lease: &Lease, answer: &Answer) -> Result<(), LedgerError>;

    /// Puts a row back just as it was before the claim.
    ///
    /// # Errors
    ///
    /// As [`mark_sent`](Self::mark_sent).
    async fn release(&self, lease: &Lease) -> Result<(), LedgerError>;

    /// The last attempts of a notification, the oldest first: at most
    /// [`KEPT_ATTEMPTS`]. Of each answer's words the first 1000 characters are kept.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Unavailable`].
    async fn attempts(&self, id: NotificationId) -> Result<Vec<Attempt>, LedgerError>;

    /// How many rows are in each state.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Unavailable`].
    async fn counts(&self) -> Result<LedgerCounts, LedgerError>;
}

/// How many notifications of a batch were new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordedCount {
    /// Those that the ledger did not know.
    pub new: u64,
}

/// Rows by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LedgerCounts {
    /// To be sent, those being sent included.
    pub queued: u64,
    /// Accepted by a mail server.
    pub sent: u64,
    /// Given up.
    pub dead: u64,
}

/// Why the ledger did not do what it was asked to.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// The database is away, busy or not as expected; the same call may succeed later.
    #[error("the ledger is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A value can never be stored, being too long for instance.
    #[error("the ledger cannot hold this")]
    Rejected(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The lease is no longer its holder's.
    #[error("the lease on notification {0} was lost")]
    LeaseLost(NotificationId),
}

impl LedgerError {
    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}
