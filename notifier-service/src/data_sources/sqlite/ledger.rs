use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{Sqlite, SqliteArguments};
use sqlx::{Executor, QueryBuilder, Transaction};
use uuid::Uuid;

use super::attempts::{grow_older, remember};
use super::open::{self, Pools};
use crate::data_sources::OpenError;
use crate::data_sources::sql::{
    AttemptColumns, ClaimedColumns, attempt, changed_to_text, claimed, elapsed, known_kinds, micros,
    shortened, unavailable,
};
use crate::entities::{
    Answer, Attempt, AttemptOutcome, Claimed, Lease, LeaseToken, Notification, NotificationId, Recipient,
};
use crate::repositories::{
    DueMail, LedgerCounts, LedgerError, LedgerWatch, NotificationLedger, RecordedCount,
};

/// Takes the write lock at the start, since a transaction that begins by reading cannot wait for it later.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// Now, in microseconds since 1970. The same within one statement.
macro_rules! now_in_micros {
    () => {
        "(CAST(ROUND(unixepoch('subsec') * 1000) AS INTEGER) * 1000)"
    };
}

pub(super) use now_in_micros;

/// Which rows may be claimed now.
macro_rules! claimable {
    () => {
        concat!(
            "FROM notifications n
             WHERE n.state = 'queued' AND n.kind IN ",
            known_kinds!(),
            " AND n.dueAt <= ",
            now_in_micros!(),
            " AND (n.leaseUntil IS NULL OR n.leaseUntil <= ",
            now_in_micros!(),
            ") AND NOT EXISTS (
                   SELECT 1 FROM notifications earlier
                   WHERE earlier.userId = n.userId AND earlier.recipient = n.recipient
                     AND earlier.state = 'queued' AND earlier.seq < n.seq)
             ORDER BY n.dueAt, n.seq
             LIMIT ?"
        )
    };
}

/// The ledger in a table of a SQLite file, for one machine.
pub struct SqliteNotificationLedger {
    pub(super) pools: Pools,
}

impl SqliteNotificationLedger {
    /// Opens the file, which must exist.
    ///
    /// # Errors
    ///
    /// [`OpenError`], also when the database was not migrated.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        open::open(path).await.map(|pools| Self { pools })
    }

    /// Brings the schema up to date, in a new file where there is none.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn migrate(path: &Path) -> Result<(), OpenError> {
        open::migrate(path).await
    }

    /// Closes the connections once they are idle.
    pub async fn close(&self) {
        self.pools.readers.close().await;
        self.pools.writer.close().await;
    }

    /// The connections that this process has.
    #[cfg(feature = "metrics")]
    pub fn connections(&self) -> telemetry::metrics::Connections {
        crate::data_sources::sql::connections(&[&self.pools.readers, &self.pools.writer])
    }

    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, LedgerError> {
        self.pools.writer.begin_with(BEGIN).await.map_err(unavailable)
    }

    /// Looks without the write lock, so that workers with nothing to do disturb nobody.
    async fn is_anything_claimable(&self) -> Result<bool, LedgerError> {
        let found: Option<i64> = sqlx::query_scalar(concat!("SELECT n.seq ", claimable!()))
            .bind(1)
            .fetch_optional(&self.pools.readers)
            .await
            .map_err(unavailable)?;
        Ok(found.is_some())
    }

    /// Writes the outcome of an attempt by an UPDATE that ends in the lease's fence, makes the mail `older`,
    /// and remembers the attempt.
    async fn conclude(
        &self,
        update: sqlx::query::Query<'_, Sqlite, SqliteArguments>,
        lease: &Lease,
        outcome: AttemptOutcome,
        answer: &Answer,
        older: Duration,
    ) -> Result<(), LedgerError> {
        let mut transaction = self.begin().await?;
        fenced(&mut transaction, update, lease).await?;
        if !older.is_zero() {
            grow_older(&mut transaction, lease.id, older).await.map_err(unavailable)?;
        }
        remember(&mut transaction, lease.id, outcome, answer).await.map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)
    }
}

#[async_trait]
impl LedgerWatch for SqliteNotificationLedger {
    async fn next_due(&self) -> Result<Option<DueMail>, LedgerError> {
        let next: Option<(Uuid, i64)> =
            sqlx::query_as(concat!("SELECT n.id, ", now_in_micros!(), " - n.dueAt ", claimable!()))
                .bind(1)
                .fetch_optional(&self.pools.readers)
                .await
                .map_err(unavailable)?;
        Ok(next.map(|(id, micros)| DueMail { id: NotificationId(id), due_for: elapsed(micros) }))
    }

    async fn count_suppressed(&self) -> Result<u64, LedgerError> {
        let count: i64 = sqlx::query_scalar(concat!(
            "SELECT COUNT(*) FROM suppressedAddresses WHERE endsAt > ",
            now_in_micros!()
        ))
        .fetch_one(&self.pools.readers)
        .await
        .map_err(unavailable)?;
        Ok(count.unsigned_abs())
    }
}

#[async_trait]
impl NotificationLedger for SqliteNotificationLedger {
    async fn record(&self, batch: &[Notification]) -> Result<RecordedCount, LedgerError> {
        let mut transaction = self.begin().await?;
        let mut recorded = RecordedCount::default();
        for notification in batch {
            recorded.new += insert(&mut transaction, notification).await.map_err(by_fault)?;
        }
        transaction.commit().await.map_err(unavailable)?;
        Ok(recorded)
    }

    async fn claim(&self, max: u32, lease: Duration) -> Result<Vec<Claimed>, LedgerError> {
        if !self.is_anything_claimable().await? {
            return Ok(Vec::new());
        }
        let mut transaction = self.begin().await?;
        let rows: Vec<ClaimedColumns> = sqlx::query_as(concat!(
            "SELECT n.id, n.eventId, n.userId, n.kind, n.recipient, n.locale, n.username, n.fullName,
                 n.changed, n.otherAddress, n.securityVersion, n.occurredAt, n.traceparent, n.attempts,
                 n.putOffFor, ",
            now_in_micros!(),
            " - n.occurredAt ",
            claimable!()
        ))
        .bind(max)
        .fetch_all(&mut *transaction)
        .await
        .map_err(unavailable)?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let token = take(&mut transaction, &rows, lease).await?;
        let claims = rows.into_iter().map(|row| claimed(row, token)).collect::<Result<_, _>>()?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(claims)
    }

    async fn time_left(&self, lease: &Lease) -> Result<Duration, LedgerError> {
        let left: Option<i64> = sqlx::query_scalar(concat!(
            "SELECT leaseUntil - ",
            now_in_micros!(),
            " FROM notifications WHERE id = ? AND leaseToken = ? AND state = 'queued'"
        ))
        .bind(lease.id.0)
        .bind(lease.token.0.to_vec())
        .fetch_optional(&self.pools.readers)
        .await
        .map_err(unavailable)?;
        left.map(elapsed).ok_or(LedgerError::LeaseLost(lease.id))
    }

    async fn mark_sent(&self, lease: &Lease, answer: &Answer) -> Result<(), LedgerError> {
        let query = sqlx::query(concat!(
            "UPDATE notifications SET state = 'sent', attempts = attempts + 1, lastError = NULL,
                 leaseToken = NULL, leaseUntil = NULL, finishedAt = ",
            now_in_micros!(),
            " WHERE id = ? AND leaseToken = ? AND state = 'queued'"
        ));
        self.conclude(query, lease, AttemptOutcome::Sent, answer, Duration::ZERO).await
    }

    async fn put_off(&self, lease: &Lease, after: Duration, answer: &Answer) -> Result<(), LedgerError> {
        let query = sqlx::query(concat!(
            "UPDATE notifications SET attempts = attempts + 1, lastError = ?, leaseToken = NULL,
                 leaseUntil = NULL, dueAt = ? + ",
            now_in_micros!(),
            " WHERE id = ? AND leaseToken = ? AND state = 'queued'"
        ))
        .bind(shortened(&answer.words))
        .bind(micros(after));
        self.conclude(query, lease, AttemptOutcome::PutOff, answer, after).await
    }

    async fn mark_unavailable(&self, lease: &Lease, answer: &Answer) -> Result<(), LedgerError> {
        let query = sqlx::query(concat!(
            "UPDATE notifications SET lastError = ?, leaseToken = NULL, leaseUntil = NULL, dueAt = ",
            now_in_micros!(),
            " WHERE id = ? AND leaseToken = ? AND state = 'queued'"
        ))
        .bind(shortened(&answer.words));
        self.conclude(query, lease, AttemptOutcome::ServerUnavailable, answer, Duration::ZERO).await
    }

    async fn mark_dead(&self, lease: &Lease, answer: &Answer) -> Result<(), LedgerError> {
        let query = sqlx::query(concat!(
            "UPDATE notifications SET state = 'dead', attempts = attempts + 1, lastError = ?,
                 leaseToken = NULL, leaseUntil = NULL, finishedAt = ",
            now_in_micros!(),
            " WHERE id = ? AND leaseToken = ? AND state = 'queued'"
        ))
        .bind(shortened(&answer.words));
        self.conclude(query, lease, AttemptOutcome::Dead, answer, Duration::ZERO).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), LedgerError> {
        let query = sqlx::query(
            "UPDATE notifications SET leaseToken = NULL, leaseUntil = NULL
             WHERE id = ? AND leaseToken = ? AND state = 'queued'",
        );
        let mut transaction = self.begin().await?;
        fenced(&mut transaction, query, lease).await?;
        transaction.commit().await.map_err(unavailable)
    }

    async fn attempts(&self, id: NotificationId) -> Result<Vec<Attempt>, LedgerError> {
        let rows: Vec<AttemptColumns> = sqlx::query_as(
            "SELECT recordedAt, outcome, stage, words FROM deliveryAttempts
             WHERE notificationId = ? ORDER BY seq",
        )
        .bind(id.0)
        .fetch_all(&self.pools.readers)
        .await
        .map_err(unavailable)?;
        rows.into_iter().map(attempt).collect()
    }

    async fn counts(&self) -> Result<LedgerCounts, LedgerError> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT state, COUNT(*) FROM notifications GROUP BY state")
                .fetch_all(&self.pools.readers)
                .await
                .map_err(unavailable)?;
        let count = |state: &str| {
            let found = rows.iter().find(|(name, _)| name == state).map_or(0, |(_, count)| *count);
            u64::try_from(found).unwrap_or(0)
        };
        Ok(LedgerCounts { queued: count("queued"), sent: count("sent"), dead: count("dead") })
    }
}

/// Runs an UPDATE that ends in the lease's fence.
async fn fenced(
    transaction: &mut Transaction<'_, Sqlite>,
    query: sqlx::query::Query<'_, Sqlite, SqliteArguments>,
    lease: &Lease,
) -> Result<(), LedgerError> {
    let query = query.bind(lease.id.0).bind(lease.token.0.to_vec());
    let done = transaction.execute(query).await.map_err(unavailable)?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(LedgerError::LeaseLost(lease.id)) }
}

/// Inserts a row unless it is known, and tells how many it inserted.
async fn insert(transaction: &mut Transaction<'_, Sqlite>, row: &Notification) -> Result<u64, sqlx::Error> {
    let query = sqlx::query(concat!(
        "INSERT INTO notifications (id, eventId, userId, kind, recipient, locale, username, fullName,
             changed, otherAddress, securityVersion, occurredAt, traceparent, recordedAt, dueAt)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ",
        now_in_micros!(),
        ", ",
        now_in_micros!(),
        ") ON CONFLICT (id) DO NOTHING"
    ))
    .bind(row.id.0)
    .bind(row.event_id.0)
    .bind(row.user_id.0)
    .bind(row.kind.as_str())
    .bind(row.recipient.as_str())
    .bind(row.locale.as_str())
    .bind(row.username.as_str())
    .bind(row.full_name.as_deref())
    .bind(changed_to_text(&row.changed))
    .bind(row.other_address.as_ref().map(Recipient::as_str))
    .bind(row.security_version)
    .bind(row.occurred_at.map(|time| time.timestamp_micros()))
    .bind(row.traceparent.as_deref());
    Ok(transaction.execute(query).await?.rows_affected())
}

/// Puts a lease on rows, under the write lock.
async fn take(
    transaction: &mut Transaction<'_, Sqlite>,
    rows: &[ClaimedColumns],
    lease: Duration,
) -> Result<LeaseToken, LedgerError> {
    let token: Vec<u8> = sqlx::query_scalar("SELECT randomblob(16)")
        .fetch_one(&mut **transaction)
        .await
        .map_err(unavailable)?;
    let token =
        LeaseToken(token.try_into().map_err(|_| unavailable("randomblob(16) gave other than 16 bytes"))?);
    let mut query = QueryBuilder::new("UPDATE notifications SET leaseToken = ");
    query.push_bind(token.0.to_vec());
    query.push(concat!(", leaseUntil = ", now_in_micros!(), " + ")).push_bind(micros(lease));
    query.push(" WHERE id IN (");
    let mut ids = query.separated(", ");
    for row in rows {
        ids.push_bind(row.0);
    }
    query.push(")");
    transaction.execute(query.build()).await.map_err(unavailable)?;
    Ok(token)
}

/// Whether a failed INSERT is the data's fault: a CHECK of the table, or more than SQLite can hold at all.
fn by_fault(error: sqlx::Error) -> LedgerError {
    // https://www.sqlite.org/rescode.html#toobig
    const TOO_BIG: &str = "18";
    let is_datas = error
        .as_database_error()
        .is_some_and(|error| error.is_check_violation() || error.code().as_deref() == Some(TOO_BIG));
    if is_datas { LedgerError::Rejected(error.into()) } else { unavailable(error) }
}
