use std::time::Duration;

use async_trait::async_trait;
use shared_kernel::{NewerEvent, UserEvent};
use thiserror::Error;

use super::AdapterError;

/// The committed changes, in order and resumable.
///
/// It is read ahead of what is acknowledged: whoever reads it goes on while earlier changes are still on their way to
/// the broker.
///
/// An adapter must return one user's changes in the order of their commits, must return a change again after a restart
/// until it was acknowledged or buried, and must never skip one, also not one that commits late with a smaller number.
/// It may return a change more than once.
#[async_trait]
pub trait ChangeFeed: Send + Sync {
    /// The changes behind those that it has returned so far, at most `max`. With none there, waits up to `wait` for
    /// some and returns what there is then, which may be nothing. Cancelling loses nothing.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError`]; it has [rewound](Self::rewind) itself then.
    async fn next(&self, max: usize, wait: Duration) -> Result<Vec<CapturedChange>, ChangeFeedError>;

    /// Says that the broker has the changes of these positions for good, so that they need not be returned again. They
    /// may be any of those that it has returned, and may be acknowledged already.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError`]; some of them may be returned again.
    async fn acknowledge(&self, positions: &[i64]) -> Result<(), ChangeFeedError>;

    /// Sets a change aside that can never be published, with the reason, where an operator finds it.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError`]; the change is then returned again.
    async fn bury(&self, position: i64, reason: &str) -> Result<(), ChangeFeedError>;

    /// Goes back: what comes next is the first change that is neither acknowledged nor buried, and all behind it. To be
    /// called when something that it has returned will not be acknowledged.
    fn rewind(&self);

    /// Whether it is this feed that returns changes now: of several on one database, another one may be at work. Those
    /// of which each returns all changes are always.
    fn is_active(&self) -> bool {
        true
    }
}

/// One change as the feed returned it.
#[derive(Debug, Clone)]
pub struct CapturedChange {
    /// The feed's own mark for it: unique, and in the feed's order.
    pub position: i64,
    /// What happened.
    pub content: Content,
}

/// What a feed made of one change.
#[derive(Debug, Clone)]
pub enum Content {
    /// An event to publish.
    Event(Box<UserEvent>),
    /// An event of a newer user-service, to publish as it is.
    Newer(Box<NewerEvent>),
    /// What is stored cannot be understood, and why.
    Unreadable(String),
}

/// Why the feed could not be read or moved on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ChangeFeedError {
    /// The source cannot be reached or is too busy; trying again later can help.
    #[error("the source of changes is not available")]
    Unavailable(#[source] AdapterError),
    /// The source refused or returned what it never should; somebody must look at it.
    #[error("the source of changes could not do what was asked")]
    Failed(#[source] AdapterError),
}

impl ChangeFeedError {
    /// Whether the same call can succeed when it is made again.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}
