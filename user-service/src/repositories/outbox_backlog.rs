use async_trait::async_trait;

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
}
