use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::entities::{Answer, Attempt, Claimed, Lease, Notification, NotificationId};
use crate::repositories::{LedgerCounts, LedgerError, NotificationLedger, RecordedCount};

/// Marks mails as sent when they are claimed: those on their way to the mail server are lost with the process.
pub(super) struct MarkSentFirst(pub(super) Arc<dyn NotificationLedger>);

/// What is left of a lease that nobody needs any more.
const LEFT: Duration = Duration::from_secs(60);

#[async_trait]
impl NotificationLedger for MarkSentFirst {
    async fn record(&self, batch: &[Notification]) -> Result<RecordedCount, LedgerError> {
        self.0.record(batch).await
    }

    async fn claim(&self, max: u32, lease: Duration) -> Result<Vec<Claimed>, LedgerError> {
        let claimed = self.0.claim(max, lease).await?;
        for one in &claimed {
            self.0.mark_sent(&one.lease, &Answer::ours("not yet")).await?;
        }
        Ok(claimed)
    }

    async fn time_left(&self, _lease: &Lease) -> Result<Duration, LedgerError> {
        Ok(LEFT)
    }

    async fn mark_sent(&self, _lease: &Lease, _answer: &Answer) -> Result<(), LedgerError> {
        Ok(())
    }

    async fn put_off(&self, lease: &Lease, after: Duration, answer: &Answer) -> Result<(), LedgerError> {
        self.0.put_off(lease, after, answer).await
    }

    async fn mark_unavailable(&self, lease: &Lease, answer: &Answer) -> Result<(), LedgerError> {
        self.0.mark_unavailable(lease, answer).await
    }

    async fn mark_dead(&self, lease: &Lease, answer: &Answer) -> Result<(), LedgerError> {
        self.0.mark_dead(lease, answer).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), LedgerError> {
        self.0.release(lease).await
    }

    async fn attempts(&self, id: NotificationId) -> Result<Vec<Attempt>, LedgerError> {
        self.0.attempts(id).await
    }

    async fn counts(&self) -> Result<LedgerCounts, LedgerError> {
        self.0.counts().await
    }
}
