use async_trait::async_trait;

use super::ConsumeError;

/// Looks at a member of a consumer group while it reads.
#[async_trait]
pub trait ConsumerMonitor: Send + Sync {
    /// Finds out whether it reads: the broker answers, and the group knows it as a member.
    ///
    /// # Errors
    ///
    /// [`ConsumeError`], with what stands in its way.
    async fn check(&self) -> Result<(), ConsumeError>;

    /// How many records of each partition are not committed, as far as this member knows: of those that it reads.
    ///
    /// # Errors
    ///
    /// [`ConsumeError`].
    async fn lag(&self) -> Result<Vec<PartitionLag>, ConsumeError>;
}

/// What is not committed of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartitionLag {
    /// Which.
    pub partition: i32,
    /// How many records.
    pub records: u64,
}
