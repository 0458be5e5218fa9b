use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::repositories::{CapturedChange, ChangeFeed, ChangeFeedError};

/// Acknowledges changes when they are read: those on their way to the broker are lost with the process.
pub(super) struct AcknowledgeFirst(pub(super) Arc<dyn ChangeFeed>);

#[async_trait]
impl ChangeFeed for AcknowledgeFirst {
    async fn next(&self, max: usize, wait: Duration) -> Result<Vec<CapturedChange>, ChangeFeedError> {
        let changes = self.0.next(max, wait).await?;
        let positions: Vec<_> = changes.iter().map(|change| change.position).collect();
        self.0.acknowledge(&positions).await?;
        Ok(changes)
    }

    async fn acknowledge(&self, _positions: &[i64]) -> Result<(), ChangeFeedError> {
        Ok(())
    }

    async fn bury(&self, position: i64, reason: &str) -> Result<(), ChangeFeedError> {
        self.0.bury(position, reason).await
    }

    fn rewind(&self) {
        self.0.rewind();
    }
}
