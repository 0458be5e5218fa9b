use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::ChangeFeedError;

/// What is committed and not published yet, from the side of whoever watches the relay.
#[async_trait]
pub trait OutboxBacklog: Send + Sync {
    /// The number of the oldest change in the outbox; `None` when all is published. It is another one whenever that
    /// change was published.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError`].
    async fn oldest(&self) -> Result<Option<i64>, ChangeFeedError>;

    /// How much there is. An adapter counts up to [`MOST_COUNTED`] and no further, so that a long outbox costs no more.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError`].
    async fn waiting(&self) -> Result<WaitingChanges, ChangeFeedError>;

    /// How many changes were set aside that can never be published.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError`].
    async fn count_dead(&self) -> Result<u64, ChangeFeedError>;
}

/// Where the changes in an outbox are no longer counted.
pub const MOST_COUNTED: u32 = 100_000;

/// What waits in an outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingChanges {
    /// How many.
    pub count: u64,
    /// When the oldest was made, by the clock of the process that made it.
    pub since: Option<DateTime<Utc>>,
}
