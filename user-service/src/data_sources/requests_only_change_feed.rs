use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::repositories::{CapturedChange, ChangeFeed, ChangeFeedError, Content};

/// Of another feed, the requests alone: what asks for a mail and changes no row. All else is acknowledged and not
/// returned, since something else tells it, such as a Debezium connector. What cannot be read is returned.
pub struct RequestsOnlyChangeFeed {
    all: Arc<dyn ChangeFeed>,
}

impl RequestsOnlyChangeFeed {
    /// Those of that feed.
    pub fn new(all: Arc<dyn ChangeFeed>) -> Self {
        Self { all }
    }
}

fn is_told_elsewhere(change: &CapturedChange) -> bool {
    match &change.content {
        Content::Event(event) => event.change.op.is_some(),
        Content::Newer(event) => event.changes_a_row,
        Content::Unreadable(_) => false,
    }
}

#[async_trait]
impl ChangeFeed for RequestsOnlyChangeFeed {
    async fn next(&self, max: usize, wait: Duration) -> Result<Vec<CapturedChange>, ChangeFeedError> {
        let deadline = Instant::now() + wait;
        loop {
            let changes = self.all.next(max, deadline.saturating_duration_since(Instant::now())).await?;
            let nothing_came = changes.is_empty();
            let (told_elsewhere, requests): (Vec<_>, Vec<_>) =
                changes.into_iter().partition(is_told_elsewhere);
            let positions: Vec<_> = told_elsewhere.iter().map(|change| change.position).collect();
            if let Err(error) = self.all.acknowledge(&positions).await {
                self.rewind();
                return Err(error);
            }
            if nothing_came || !requests.is_empty() {
                return Ok(requests);
            }
        }
    }

    async fn acknowledge(&self, positions: &[i64]) -> Result<(), ChangeFeedError> {
        self.all.acknowledge(positions).await
    }

    async fn bury(&self, position: i64, reason: &str) -> Result<(), ChangeFeedError> {
        self.all.bury(position, reason).await
    }

    fn rewind(&self) {
        self.all.rewind();
    }

    fn is_active(&self) -> bool {
        self.all.is_active()
    }
}
