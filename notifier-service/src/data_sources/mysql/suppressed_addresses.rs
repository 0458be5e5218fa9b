use std::time::Duration;

use async_trait::async_trait;
use sqlx::Executor;
use uuid::Uuid;

use super::MySqlNotificationLedger;
use crate::data_sources::sql::{address_hash, micros, unavailable};
use crate::entities::{NotificationId, Recipient};
use crate::repositories::{LedgerError, SuppressedAddresses};

#[async_trait]
impl SuppressedAddresses for MySqlNotificationLedger {
    async fn suppress(
        &self,
        address: &Recipient,
        time: Duration,
        refused: NotificationId,
    ) -> Result<(), LedgerError> {
        let ended = "DELETE FROM suppressedAddresses WHERE endsAt <= UTC_TIMESTAMP(6) LIMIT 100";
        self.pool.execute(ended).await.map_err(unavailable)?;
        let query = sqlx::query(
            "INSERT INTO suppressedAddresses (addressHash, notificationId, endsAt)
             VALUES (?, ?, UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND)
             ON DUPLICATE KEY UPDATE notificationId = VALUES(notificationId),
                 endsAt = GREATEST(endsAt, VALUES(endsAt))",
        );
        let query = query.bind(address_hash(address)).bind(refused.0).bind(micros(time));
        query.execute(&self.pool).await.map(drop).map_err(unavailable)
    }

    async fn find(&self, address: &Recipient) -> Result<Option<NotificationId>, LedgerError> {
        let refused: Option<Uuid> = sqlx::query_scalar(
            "SELECT notificationId FROM suppressedAddresses
             WHERE addressHash = ? AND endsAt > UTC_TIMESTAMP(6)",
        )
        .bind(address_hash(address))
        .fetch_optional(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(refused.map(NotificationId))
    }

    async fn lift(&self, address: &Recipient) -> Result<(), LedgerError> {
        let query = sqlx::query("DELETE FROM suppressedAddresses WHERE addressHash = ?");
        query.bind(address_hash(address)).execute(&self.pool).await.map(drop).map_err(unavailable)
    }
}
