use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::SqliteNotificationLedger;
use super::ledger::now_in_micros;
use crate::data_sources::sql::{address_hash, micros, unavailable};
use crate::entities::{NotificationId, Recipient};
use crate::repositories::{LedgerError, SuppressedAddresses};

#[async_trait]
impl SuppressedAddresses for SqliteNotificationLedger {
    async fn suppress(
        &self,
        address: &Recipient,
        time: Duration,
        refused: NotificationId,
    ) -> Result<(), LedgerError> {
        let writer = &self.pools.writer;
        let ended = concat!("DELETE FROM suppressedAddresses WHERE endsAt <= ", now_in_micros!());
        sqlx::query(ended).execute(writer).await.map_err(unavailable)?;
        let query = sqlx::query(concat!(
            "INSERT INTO suppressedAddresses (addressHash, notificationId, endsAt) VALUES (?, ?, ? + ",
            now_in_micros!(),
            ") ON CONFLICT (addressHash) DO UPDATE SET notificationId = excluded.notificationId,
                 endsAt = MAX(endsAt, excluded.endsAt)"
        ));
        let query = query.bind(address_hash(address)).bind(refused.0).bind(micros(time));
        query.execute(writer).await.map(drop).map_err(unavailable)
    }

    async fn find(&self, address: &Recipient) -> Result<Option<NotificationId>, LedgerError> {
        let refused: Option<Uuid> = sqlx::query_scalar(concat!(
            "SELECT notificationId FROM suppressedAddresses WHERE addressHash = ? AND endsAt > ",
            now_in_micros!()
        ))
        .bind(address_hash(address))
        .fetch_optional(&self.pools.readers)
        .await
        .map_err(unavailable)?;
        Ok(refused.map(NotificationId))
    }

    async fn lift(&self, address: &Recipient) -> Result<(), LedgerError> {
        let query = sqlx::query("DELETE FROM suppressedAddresses WHERE addressHash = ?");
        let query = query.bind(address_hash(address));
        query.execute(&self.pools.writer).await.map(drop).map_err(unavailable)
    }
}
