use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::entities::{Answer, Attempt, Claimed, Lease, Notification, NotificationId};
use crate::repositories::{LedgerCounts, LedgerError, NotificationLedger, RecordedCount};

/// Leases that keep nobody away: who claims takes what another is about to send, and nobody asks whether a mail is still
/// theirs.
pub(super) struct IgnoredLeases(pub(super) Arc<dyn NotificationLedger>);

/// Over before anybody else can look.
const OVER_AT_ONCE: Duration = Duration::from_millis(1);
const LEFT: Duration = Duration::from_secs(60);

#[async_trait]
impl NotificationLedger for IgnoredLeases {
    async fn record(&self, batch: &[Notification]) -> Result<RecordedCount, LedgerError> {
        self.0.record(batch).await
    }

    async fn claim(&self, max: u32, _lease: Duration) -> Result<Vec<Claimed>, LedgerError> {
        self.0.claim(max, OVER_AT_ONCE).await
    }

    async fn time_left(&self, _lease: &Lease) -> Result<Duration, LedgerError> {
        Ok(LEFT)
    }

    async fn mark_sent(&self, lease: &Lease, answer: &Answer) -> Result<(), LedgerError> {
        self.0.mark_sent(lease, answer).await
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
