use std::time::Duration;

use super::{Notification, NotificationId};

/// The right to send one notification and to record the outcome. It ends when its time is over and
/// another worker claims the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What may be sent.
    pub id: NotificationId,
    /// Tells this claim from every other claim of the same row.
    pub token: LeaseToken,
}

/// Sixteen random bytes, made by the ledger for each claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeaseToken(pub [u8; 16]);

/// A notification that is ours to send for the time of its lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// What is to be sent.
    pub notification: Notification,
    /// How many attempts were used up before this one.
    pub attempts: u32,
    /// How long it was put off for: all delays that followed an answer about it, or about an earlier mail of
    /// the same user to the same address that it had to wait for. Time in which no server was to be had, or
    /// nobody delivered at all, is not part of it.
    pub age: Duration,
    /// Time since the event was made, by the ledger's clock; `None` when the row does not tell when that was.
    pub since_event: Option<Duration>,
    /// What the outcome is recorded with.
    pub lease: Lease,
}
