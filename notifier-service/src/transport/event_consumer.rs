use async_trait::async_trait;
use thiserror::Error;

use crate::entities::ReceivedRecord;

/// A member of a consumer group on the topic. Reading and committing are two steps, so that an offset is
/// stored only after what was read is safe.
#[async_trait]
pub trait EventConsumer: Send {
    /// Waits for records and returns what is there, at least one, in order per partition. A record that was
    /// not committed comes again after a restart or a rebalance, here or at another member.
    ///
    /// Cancel-safe: a cancelled call loses no record.
    ///
    /// # Errors
    ///
    /// [`ConsumeError`]; the next call goes on where this one would have.
    async fn next_batch(&mut self) -> Result<Vec<ReceivedRecord>, ConsumeError>;

    /// Stores the offsets after this batch, which was the last one returned. For a partition that went to
    /// another member meanwhile it does nothing, and that is no error: its records come again there.
    ///
    /// # Errors
    ///
    /// [`ConsumeError`]; the same batch may be committed again.
    async fn commit(&mut self, batch: &[ReceivedRecord]) -> Result<(), ConsumeError>;

    /// Leaves the group, so that others take over at once. Nothing that was not committed is stored.
    ///
    /// # Errors
    ///
    /// [`ConsumeError`]; the others then take over after a time.
    async fn close(self: Box<Self>) -> Result<(), ConsumeError>;
}

/// The broker did not do what was asked.
#[derive(Debug, Error)]
#[error("could not {action}")]
pub struct ConsumeError {
    /// What was tried, completing "could not …".
    pub action: &'static str,
    /// What the broker says.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
