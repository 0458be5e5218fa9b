use async_trait::async_trait;

use crate::entities::ReceivedRecord;
use crate::transport::{ConsumeError, EventConsumer};

/// Stores offsets when records are read: those on their way to the ledger are lost with the process.
pub(super) struct StoreOffsetsFirst(pub(super) Box<dyn EventConsumer>);

#[async_trait]
impl EventConsumer for StoreOffsetsFirst {
    async fn next_batch(&mut self) -> Result<Vec<ReceivedRecord>, ConsumeError> {
        let batch = self.0.next_batch().await?;
        self.0.commit(&batch).await?;
        Ok(batch)
    }

    async fn commit(&mut self, _batch: &[ReceivedRecord]) -> Result<(), ConsumeError> {
        Ok(())
    }

    async fn close(self: Box<Self>) -> Result<(), ConsumeError> {
        self.0.close().await
    }
}
