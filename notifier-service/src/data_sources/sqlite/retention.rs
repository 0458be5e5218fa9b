use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::Sqlite;
use sqlx::{Executor, QueryBuilder, Transaction};
use uuid::Uuid;

use super::SqliteNotificationLedger;
use super::ledger::now_in_micros;
use crate::data_sources::sql::{micros, unavailable};
use crate::repositories::{LedgerError, LedgerRetention};

#[async_trait]
impl LedgerRetention for SqliteNotificationLedger {
    async fn erase_finished(&self, age: Duration, max: u32) -> Result<u64, LedgerError> {
        // Found without the write lock, so that nobody is disturbed where there is nothing to do.
        let ids = sqlx::query_scalar(concat!(
            "SELECT id FROM notifications WHERE erasedAt IS NULL AND finishedAt <= ",
            now_in_micros!(),
            " - ? ORDER BY finishedAt LIMIT ?"
        ));
        let readers = &self.pools.readers;
        let ids = ids.bind(micros(age)).bind(max).fetch_all(readers).await.map_err(unavailable)?;
        self.erase(ids).await
    }

    async fn erase_deleted_users(&self, max: u32) -> Result<u64, LedgerError> {
        let ids = sqlx::query_scalar(
            "SELECT n.id FROM notifications goodbye CROSS JOIN notifications n
             WHERE goodbye.kind = 'deleted' AND n.userId = goodbye.userId AND n.erasedAt IS NULL
               AND NOT EXISTS (
                   SELECT 1 FROM notifications waiting
                   WHERE waiting.userId = goodbye.userId AND waiting.state = 'queued')
             LIMIT ?",
        );
        let ids = ids.bind(max).fetch_all(&self.pools.readers).await.map_err(unavailable)?;
        self.erase(ids).await
    }

    async fn latest_to_forget(&self, age: Duration, max: u32) -> Result<Option<DateTime<Utc>>, LedgerError> {
        let latest: Option<i64> = sqlx::query_scalar(concat!(
            "SELECT MAX(recordedAt) FROM (SELECT recordedAt FROM notifications WHERE erasedAt <= ",
            now_in_micros!(),
            " - ? ORDER BY erasedAt LIMIT ?)"
        ))
        .bind(micros(age))
        .bind(max)
        .fetch_one(&self.pools.readers)
        .await
        .map_err(unavailable)?;
        Ok(latest.and_then(DateTime::from_timestamp_micros))
    }

    async fn forget(&self, age: Duration, recorded_by: DateTime<Utc>, max: u32) -> Result<u64, LedgerError> {
        let mut transaction = self.begin().await?;
        let ids: Vec<Uuid> = sqlx::query_scalar(concat!(
            "SELECT id FROM (SELECT id, recordedAt FROM notifications WHERE erasedAt <= ",
            now_in_micros!(),
            " - ? ORDER BY erasedAt LIMIT ?) WHERE recordedAt <= ?"
        ))
        .bind(micros(age))
        .bind(max)
        .bind(recorded_by.timestamp_micros())
        .fetch_all(&mut *transaction)
        .await
        .map_err(unavailable)?;
        if ids.is_empty() {
            return Ok(0);
        }
        run(&mut transaction, "DELETE FROM deliveryAttempts WHERE notificationId IN (", &ids, ")").await?;
        let forgotten = run(&mut transaction, "DELETE FROM notifications WHERE id IN (", &ids, ")").await?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(forgotten)
    }
}

impl SqliteNotificationLedger {
    /// Erases those of the rows that are finished and were not erased yet.
    async fn erase(&self, ids: Vec<Uuid>) -> Result<u64, LedgerError> {
        if ids.is_empty() {
            return Ok(0);
        }
        let mut transaction = self.begin().await?;
        let rows = concat!(
            "UPDATE notifications SET erasedAt = ",
            now_in_micros!(),
            ", recipient = '', username = '', fullName = NULL, changed = '[]', otherAddress = NULL,
                 traceparent = NULL, lastError = NULL
             WHERE id IN ("
        );
        let erased =
            run(&mut transaction, rows, &ids, ") AND state <> 'queued' AND erasedAt IS NULL").await?;
        // Not those of a row that an operator has put back meanwhile.
        let attempts = "UPDATE deliveryAttempts SET words = NULL WHERE notificationId IN (
                            SELECT id FROM notifications WHERE erasedAt IS NOT NULL AND id IN (";
        run(&mut transaction, attempts, &ids, "))").await?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(erased)
    }
}

/// Runs a statement on those ids, and tells how many rows it was about.
async fn run(
    transaction: &mut Transaction<'_, Sqlite>,
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
