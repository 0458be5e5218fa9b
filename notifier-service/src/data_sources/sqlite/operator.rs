use std::time::Duration;

use async_trait::async_trait;
use sqlx::QueryBuilder;

use super::SqliteNotificationLedger;
use super::ledger::now_in_micros;
use crate::data_sources::sql::{Condition, EntryColumns, conditions, entry, micros, order, unavailable};
use crate::entities::{LedgerEntry, MailFilter, NotificationId, StateCounts};
use crate::repositories::{LedgerError, OperatorLedger, Page};

const SELECT: &str = concat!(
    "SELECT seq, id, eventId, userId, kind, recipient, state,
     state = 'queued' AND leaseUntil IS NOT NULL AND leaseUntil > ",
    now_in_micros!(),
    ", attempts, requeued, recordedAt, dueAt, finishedAt, ",
    now_in_micros!(),
    " - occurredAt, securityVersion IS NOT NULL, lastError FROM notifications WHERE "
);

#[async_trait]
impl OperatorLedger for SqliteNotificationLedger {
    async fn count_states(&self) -> Result<StateCounts, LedgerError> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT state, COUNT(*) FROM notifications GROUP BY state")
                .fetch_all(&self.pools.readers)
                .await
                .map_err(unavailable)?;
        Ok(StateCounts::of(rows.into_iter().map(|(state, count)| (state, count.unsigned_abs()))))
    }

    async fn list(&self, filter: &MailFilter, page: Page) -> Result<Vec<LedgerEntry>, LedgerError> {
        let mut query = QueryBuilder::new(SELECT);
        for condition in conditions(filter, page.from) {
            match condition {
                Condition::Text(before, text) => query.push(before).push_bind(text.to_owned()),
                Condition::Number(before, number) => query.push(before).push_bind(number),
                Condition::Id(before, id) => query.push(before).push_bind(id),
            };
            query.push(") AND ");
        }
        query.push("TRUE").push(order(page.from)).push_bind(page.limit);
        let readers = &self.pools.readers;
        let rows: Vec<EntryColumns> = query.build_query_as().fetch_all(readers).await.map_err(unavailable)?;
        rows.into_iter().map(entry).collect()
    }

    async fn entry(&self, id: NotificationId) -> Result<Option<LedgerEntry>, LedgerError> {
        let mut query = QueryBuilder::new(SELECT);
        query.push("id = ").push_bind(id.0);
        let readers = &self.pools.readers;
        let row: Option<EntryColumns> =
            query.build_query_as().fetch_optional(readers).await.map_err(unavailable)?;
        row.map(entry).transpose()
    }

    async fn requeue(&self, id: NotificationId, after: Duration) -> Result<bool, LedgerError> {
        let query = sqlx::query(concat!(
            "UPDATE notifications SET state = 'queued', requeued = requeued + 1, attempts = 0, putOffFor = 0,
                 finishedAt = NULL, leaseToken = NULL, leaseUntil = NULL, dueAt = ? + ",
            now_in_micros!(),
            " WHERE id = ? AND state <> 'queued' AND erasedAt IS NULL"
        ));
        let writer = &self.pools.writer;
        let done = query.bind(micros(after)).bind(id.0).execute(writer).await.map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn cancel(&self, id: NotificationId) -> Result<bool, LedgerError> {
        let query = sqlx::query(concat!(
            "UPDATE notifications SET state = 'cancelled', leaseToken = NULL, leaseUntil = NULL, finishedAt = ",
            now_in_micros!(),
            " WHERE id = ? AND state = 'queued' AND (leaseUntil IS NULL OR leaseUntil <= ",
            now_in_micros!(),
            ")"
        ));
        let done = query.bind(id.0).execute(&self.pools.writer).await.map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }
}
