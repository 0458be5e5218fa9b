//! What the log brings, in its order.

use std::sync::Arc;

use shared_kernel::{EventId, UserId};

use super::place::Passed;
use crate::data_sources::sql::RowOfEvent;
use crate::repositories::Content;

/// One thing that the log brings.
#[derive(Debug)]
pub(super) enum Entry {
    /// A change to be published. One that was swept up has no place in the log.
    Change { content: Content, origin: Origin, at: Option<RowPlace> },
    /// A row of the outbox that a row of `users` says as well.
    Said { row: RowOfEvent, at: RowPlace },
    /// The end of a transaction.
    Passed(Passed),
}

/// Where a row stands in its transaction.
#[derive(Debug, Clone)]
pub(super) struct RowPlace {
    /// The transaction's GTID, where it has one.
    pub(super) gtid: Option<Arc<str>>,
    /// How many events with rows of the captured tables the transaction has before this one's.
    pub(super) events: u64,
}

/// What a change was made of.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// The row of the outbox of that number, which is deleted when the change is published.
    Outbox { seq: i64 },
    /// A row of `users`.
    Users,
    /// A row that cannot be understood.
    BadRow(Arc<BadRowFacts>),
}

/// What is known of a row that cannot be understood.
#[derive(Debug)]
pub(super) struct BadRowFacts {
    /// Derived from its place, so that it is the same whenever the row is read again.
    pub(super) id: EventId,
    pub(super) user: Option<UserId>,
    pub(super) event_type: &'static str,
    /// In milliseconds since the Unix epoch.
    pub(super) committed_ms: i64,
    /// Where it stands, as JSON.
    pub(super) payload: String,
}
