use std::time::Duration;

use async_trait::async_trait;
use sqlx::QueryBuilder;

use super::MySqlNotificationLedger;
use crate::data_sources::sql::{Condition, EntryColumns, conditions, entry, micros, order, unavailable};
use crate::entities::{LedgerEntry, MailFilter, NotificationId, StateCounts};
use crate::repositories::{LedgerError, OperatorLedger, Page};

const SELECT: &str = "SELECT CAST(seq AS SIGNED), id, eventId, userId, kind, recipient, CAST(state AS CHAR),
     CAST(state = 'queued' AND leaseUntil IS NOT NULL AND leaseUntil > UTC_TIMESTAMP(6) AS SIGNED),
     CAST(attempts AS SIGNED), CAST(requeued AS SIGNED), TIMESTAMPDIFF(MICROSECOND, '1970-01-01', recordedAt),
     TIMESTAMPDIFF(MICROSECOND, '1970-01-01', dueAt), TIMESTAMPDIFF(MICROSECOND, '1970-01-01', finishedAt),
     TIMESTAMPDIFF(MICROSECOND, occurredAt, UTC_TIMESTAMP(6)), CAST(securityVersion IS NOT NULL AS SIGNED), lastError
     FROM notifications WHERE ";

#[async_trait]
impl OperatorLedger for MySqlNotificationLedger {
    async fn count_states(&self) -> Result<StateCounts, LedgerError> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT CAST(state AS CHAR), COUNT(*) FROM notifications GROUP BY state")
                .fetch_all(&self.pool)
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
        let rows: Vec<EntryColumns> =
            query.build_query_as().fetch_all(&self.pool).await.map_err(unavailable)?;
        rows.into_iter().map(entry).collect()
    }

    async fn entry(&self, id: NotificationId) -> Result<Option<LedgerEntry>, LedgerError> {
        let mut query = QueryBuilder::new(SELECT);
        query.push("id = ").push_bind(id.0);
        let row: Option<EntryColumns> =
            query.build_query_as().fetch_optional(&self.pool).await.map_err(unavailable)?;
        row.map(entry).transpose()
    }

    async fn requeue(&self, id: NotificationId, after: Duration) -> Result<bool, LedgerError> {
        let query = sqlx::query(
            "UPDATE notifications SET state = 'queued', requeued = requeued + 1, attempts = 0, putOffFor = 0,
                 dueAt = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND, finishedAt = NULL, leaseToken = NULL,
                 leaseUntil = NULL
             WHERE id = ? AND state <> 'queued' AND erasedAt IS NULL",
        );
        let done = query.bind(micros(after)).bind(id.0).execute(&self.pool).await.map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn cancel(&self, id: NotificationId) -> Result<bool, LedgerError> {
        let query = sqlx::query(
            "UPDATE notifications SET state = 'cancelled', finishedAt = UTC_TIMESTAMP(6), leaseToken = NULL,
                 leaseUntil = NULL
             WHERE id = ? AND state = 'queued' AND (leaseUntil IS NULL OR leaseUntil <= UTC_TIMESTAMP(6))",
        );
        let done = query.bind(id.0).execute(&self.pool).await.map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }
}
