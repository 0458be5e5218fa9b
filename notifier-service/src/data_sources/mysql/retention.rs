use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::mysql::MySql;
use sqlx::{Executor, QueryBuilder, Transaction};
use uuid::Uuid;

use super::MySqlNotificationLedger;
use crate::data_sources::sql::{micros, unavailable};
use crate::repositories::{LedgerError, LedgerRetention};

#[async_trait]
impl LedgerRetention for MySqlNotificationLedger {
    async fn erase_finished(&self, age: Duration, max: u32) -> Result<u64, LedgerError> {
        // Found without a lock, and looked at again under one by their ids.
        let ids = sqlx::query_scalar(
            "SELECT id FROM notifications FORCE INDEX (notifications_finished)
             WHERE erasedAt IS NULL AND finishedAt <= UTC_TIMESTAMP(6) - INTERVAL ? MICROSECOND
             ORDER BY finishedAt LIMIT ?",
        );
        let ids = ids.bind(micros(age)).bind(max).fetch_all(&self.pool).await.map_err(unavailable)?;
        self.erase(ids).await
    }

    async fn erase_deleted_users(&self, max: u32) -> Result<u64, LedgerError> {
        let ids = sqlx::query_scalar(
            "SELECT n.id FROM notifications goodbye FORCE INDEX (notifications_kind)
             STRAIGHT_JOIN notifications n FORCE INDEX (notifications_person)
                 ON n.userId = goodbye.userId AND n.erasedAt IS NULL
             WHERE goodbye.kind = 'deleted'
               AND NOT EXISTS (
                   SELECT 1 FROM notifications waiting FORCE INDEX (notifications_turn)
                   WHERE waiting.userId = goodbye.userId AND waiting.state = 'queued')
             LIMIT ?",
        );
        let ids = ids.bind(max).fetch_all(&self.pool).await.map_err(unavailable)?;
        self.erase(ids).await
    }

    async fn latest_to_forget(&self, age: Duration, max: u32) -> Result<Option<DateTime<Utc>>, LedgerError> {
        let latest: Option<i64> = sqlx::query_scalar(
            "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', MAX(recordedAt)) FROM (
                 SELECT recordedAt FROM notifications FORCE INDEX (notifications_finished)
                 WHERE erasedAt <= UTC_TIMESTAMP(6) - INTERVAL ? MICROSECOND ORDER BY erasedAt LIMIT ?) oldest",
        )
        .bind(micros(age))
        .bind(max)
        .fetch_one(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(latest.and_then(DateTime::from_timestamp_micros))
    }

    async fn forget(&self, age: Duration, recorded_by: DateTime<Utc>, max: u32) -> Result<u64, LedgerError> {
        let ids: Vec<Uuid> = sqlx::query_scalar(
            "SELECT id FROM (
                 SELECT id, recordedAt FROM notifications FORCE INDEX (notifications_finished)
                 WHERE erasedAt <= UTC_TIMESTAMP(6) - INTERVAL ? MICROSECOND ORDER BY erasedAt LIMIT ?) oldest
             WHERE recordedAt <= ?",
        )
        .bind(micros(age))
        .bind(max)
        .bind(recorded_by.naive_utc())
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        if ids.is_empty() {
            return Ok(0);
        }
        let mut transaction = self.pool.begin().await.map_err(unavailable)?;
        let attempts = "DELETE FROM deliveryAttempts WHERE notificationId IN (";
        run(&mut transaction, attempts, &ids, ")").await?;
        let rows = "DELETE FROM notifications WHERE id IN (";
        let forgotten = run(&mut transaction, rows, &ids, ") AND erasedAt IS NOT NULL").await?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(forgotten)
    }
}

impl MySqlNotificationLedger {
    /// Erases those of the rows that are finished and were not erased yet.
    async fn erase(&self, ids: Vec<Uuid>) -> Result<u64, LedgerError> {
        if ids.is_empty() {
            return Ok(0);
        }
        let mut transaction = self.pool.begin().await.map_err(unavailable)?;
        let rows = "UPDATE notifications SET erasedAt = UTC_TIMESTAMP(6), recipient = '', username = '', fullName = NULL,
                        changed = '[]', otherAddress = NULL, traceparent = NULL, lastError = NULL
                    WHERE id IN (";
        let erased =
            run(&mut transaction, rows, &ids, ") AND state <> 'queued' AND erasedAt IS NULL").await?;
        // Not those of a row that an operator has put back meanwhile.
        let attempts = "UPDATE deliveryAttempts a JOIN notifications n ON n.id = a.notificationId
                        SET a.words = NULL WHERE n.erasedAt IS NOT NULL AND a.notificationId IN (";
        run(&mut transaction, attempts, &ids, ")").await?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(erased)
    }
}

/// Runs a statement on those ids, and tells how many rows it was about.
async fn run(
    transaction: &mut Transaction<'_, MySql>,
    before: &str,
    ids: &[Uuid],
    after: &str,
) -> Result<u64, LedgerError> {
    let mut query = QueryBuilder::new(before);
    let mut list = query.separated(", ");
    for id in ids {
        list.push_bind(*id);
    }
    query.push(after);
    let done = transaction.execute(query.build()).await.map_err(unavailable)?;
    Ok(done.rows_affected())
}
