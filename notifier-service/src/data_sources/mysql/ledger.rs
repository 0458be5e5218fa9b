use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::mysql::{MySql, MySqlPool};
use sqlx::{Executor, QueryBuilder, Transaction};
use thiserror::Error;
use uuid::Uuid;

use super::attempts::{grow_older, remember};
use super::open;
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

/// Rows of one INSERT: fewer round trips, far from any limit on placeholders.
const ROWS_PER_INSERT: usize = 200;
/// A claim looks at that many times the rows it wants, since other claims may be taking the first ones.
const CANDIDATES_PER_ROW: u32 = 4;

/// The rows that may be claimed now, in the order in which they should be, up to a limit.
///
/// The indexes are named because statistics are of no help here: a queue that was empty a moment ago
/// may hold a hundred thousand rows now.
macro_rules! claimable {
    () => {
        concat!(
            "FROM notifications n FORCE INDEX (notifications_due)
             WHERE n.state = 'queued' AND n.kind IN ",
            known_kinds!(),
            " AND n.dueAt <= UTC_TIMESTAMP(6)
               AND (n.leaseUntil IS NULL OR n.leaseUntil <= UTC_TIMESTAMP(6))
               AND NOT EXISTS (
                   SELECT 1 FROM notifications earlier FORCE INDEX (notifications_turn)
                   WHERE earlier.userId = n.userId AND earlier.recipient = n.recipient
                     AND earlier.state = 'queued' AND earlier.seq < n.seq)
             ORDER BY n.dueAt, n.seq
             LIMIT ?"
        )
    };
}

/// The ledger in a table of MySQL or MariaDB.
///
/// A claim is made in two steps. The first finds candidates without any lock. The second locks just the
/// rows that it takes, skipping those that another claim holds. One locking statement would also lock the
/// rows that it looks at and sorts, and make claims wait for each other.
pub struct MySqlNotificationLedger {
    pub(super) pool: MySqlPool,
}

impl MySqlNotificationLedger {
    /// Connects to a `mysql://` URL with up to that many connections.
    ///
    /// # Errors
    ///
    /// [`OpenError`], also when the database was not migrated.
    pub async fn open(url: &str, connections: u32) -> Result<Self, OpenError> {
        open::open(url, connections).await.map(|pool| Self { pool })
    }

    /// Brings the schema up to date. Several processes may do so at once.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn migrate(url: &str) -> Result<(), OpenError> {
        open::migrate(url).await
    }

    /// Closes the connections once they are idle.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// The connections that this process has.
    #[cfg(feature = "metrics")]
    pub fn connections(&self) -> telemetry::metrics::Connections {
        crate::data_sources::sql::connections(&[&self.pool])
    }

    /// The rows that may be claimed now, in the order in which they should be.
    async fn candidates(&self, max: u32) -> Result<Vec<u64>, LedgerError> {
        sqlx::query_scalar(concat!("SELECT n.seq ", claimable!()))
            .bind(max)
            .fetch_all(&self.pool)
            .await
            .map_err(unavailable)
    }

    /// Writes the outcome of an attempt by an UPDATE that ends in the lease's fence, makes the mail `older`,
    /// and remembers the attempt.
    async fn conclude(
        &self,
        update: sqlx::query::Query<'_, MySql, sqlx::mysql::MySqlArguments>,
        lease: &Lease,
        outcome: AttemptOutcome,
        answer: &Answer,
        older: Duration,
    ) -> Result<(), LedgerError> {
        let mut transaction = self.pool.begin().await.map_err(unavailable)?;
        fenced(&mut *transaction, update, lease).await?;
        if !older.is_zero() {
            grow_older(&mut transaction, lease.id, older).await.map_err(unavailable)?;
        }
        remember(&mut transaction, lease.id, outcome, answer).await.map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)
    }
}

#[async_trait]
impl LedgerWatch for MySqlNotificationLedger {
    async fn next_due(&self) -> Result<Option<DueMail>, LedgerError> {
        let next: Option<(Uuid, i64)> = sqlx::query_as(concat!(
            "SELECT n.id, TIMESTAMPDIFF(MICROSECOND, n.dueAt, UTC_TIMESTAMP(6)) ",
            claimable!()
        ))
        .bind(1)
        .fetch_optional(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(next.map(|(id, micros)| DueMail { id: NotificationId(id), due_for: elapsed(micros) }))
    }

    async fn count_suppressed(&self) -> Result<u64, LedgerError> {
        let count: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM suppressedAddresses WHERE endsAt > UTC_TIMESTAMP(6)")
                .fetch_one(&self.pool)
                .await
                .map_err(unavailable)?;
        Ok(count.unsigned_abs())
    }
}

#[async_trait]
impl NotificationLedger for MySqlNotificationLedger {
    async fn record(&self, batch: &[Notification]) -> Result<RecordedCount, LedgerError> {
        batch.iter().try_for_each(check_lengths)?;
        let mut transaction = self.pool.begin().await.map_err(unavailable)?;
        let mut recorded = RecordedCount::default();
        for rows in batch.chunks(ROWS_PER_INSERT) {
            recorded.new += insert(&mut transaction, rows).await.map_err(by_fault)?;
        }
        transaction.commit().await.map_err(unavailable)?;
        Ok(recorded)
    }

    async fn claim(&self, max: u32, lease: Duration) -> Result<Vec<Claimed>, LedgerError> {
        let candidates = self.candidates(max.saturating_mul(CANDIDATES_PER_ROW)).await?;
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let mut transaction = self.pool.begin().await.map_err(unavailable)?;
        let mut rows = Vec::new();
        let mut candidates = candidates.as_slice();
        while rows.len() < max && !candidates.is_empty() {
            let (next, rest) = candidates.split_at(candidates.len().min(max - rows.len()));
            rows.extend(lock(&mut transaction, next).await.map_err(unavailable)?);
            candidates = rest;
        }
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let token = take(&mut transaction, &rows, lease).await?;
        let claims = rows.into_iter().map(|row| claimed(row, token)).collect::<Result<_, _>>()?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(claims)
    }

    async fn time_left(&self, lease: &Lease) -> Result<Duration, LedgerError> {
        let left: Option<i64> = sqlx::query_scalar(
            "SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), leaseUntil) FROM notifications
             WHERE id = ? AND leaseToken = ? AND state = 'queued'",
        )
        .bind(lease.id.0)
        .bind(lease.token.0.as_slice())
        .fetch_optional(&self.pool)
        .await
        .map_err(unavailable)?;
        left.map(elapsed).ok_or(LedgerError::LeaseLost(lease.id))
    }

    async fn mark_sent(&self, lease: &Lease, answer: &Answer) -> Result<(), LedgerError> {
        let query = sqlx::query(
            "UPDATE notifications SET state = 'sent', attempts = attempts + 1, lastError = NULL,
                 finishedAt = UTC_TIMESTAMP(6), leaseToken = NULL, leaseUntil = NULL
             WHERE id = ? AND leaseToken = ? AND state = 'queued'",
        );
        self.conclude(query, lease, AttemptOutcome::Sent, answer, Duration::ZERO).await
    }

    async fn put_off(&self, lease: &Lease, after: Duration, answer: &Answer) -> Result<(), LedgerError> {
        let query = sqlx::query(
            "UPDATE notifications SET attempts = attempts + 1, lastError = ?,
                 dueAt = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND, leaseToken = NULL, leaseUntil = NULL
             WHERE id = ? AND leaseToken = ? AND state = 'queued'",
        )
        .bind(shortened(&answer.words))
        .bind(micros(after));
        self.conclude(query, lease, AttemptOutcome::PutOff, answer, after).await
    }

    async fn mark_unavailable(&self, lease: &Lease, answer: &Answer) -> Result<(), LedgerError> {
        let query = sqlx::query(
            "UPDATE notifications SET lastError = ?, dueAt = UTC_TIMESTAMP(6), leaseToken = NULL,
                 leaseUntil = NULL
             WHERE id = ? AND leaseToken = ? AND state = 'queued'",
        )
        .bind(shortened(&answer.words));
        self.conclude(query, lease, AttemptOutcome::ServerUnavailable, answer, Duration::ZERO).await
    }

    async fn mark_dead(&self, lease: &Lease, answer: &Answer) -> Result<(), LedgerError> {
        let query = sqlx::query(
            "UPDATE notifications SET state = 'dead', attempts = attempts + 1, lastError = ?,
                 finishedAt = UTC_TIMESTAMP(6), leaseToken = NULL, leaseUntil = NULL
             WHERE id = ? AND leaseToken = ? AND state = 'queued'",
        )
        .bind(shortened(&answer.words));
        self.conclude(query, lease, AttemptOutcome::Dead, answer, Duration::ZERO).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), LedgerError> {
        let query = sqlx::query(
            "UPDATE notifications SET leaseToken = NULL, leaseUntil = NULL
             WHERE id = ? AND leaseToken = ? AND state = 'queued'",
        );
        fenced(&self.pool, query, lease).await
    }

    async fn attempts(&self, id: NotificationId) -> Result<Vec<Attempt>, LedgerError> {
        let rows: Vec<AttemptColumns> = sqlx::query_as(
            "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', recordedAt), outcome, stage, words
             FROM deliveryAttempts WHERE notificationId = ? ORDER BY seq",
        )
        .bind(id.0)
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        rows.into_iter().map(attempt).collect()
    }

    async fn counts(&self) -> Result<LedgerCounts, LedgerError> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT CAST(state AS CHAR), COUNT(*) FROM notifications GROUP BY state")
                .fetch_all(&self.pool)
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
    executor: impl Executor<'_, Database = MySql>,
    query: sqlx::query::Query<'_, MySql, sqlx::mysql::MySqlArguments>,
    lease: &Lease,
) -> Result<(), LedgerError> {
    let query = query.bind(lease.id.0).bind(lease.token.0.as_slice());
    let done = query.execute(executor).await.map_err(unavailable)?;
    // The driver asks for matched rows, so a row that already held these values counts too.
    if done.rows_affected() == 1 { Ok(()) } else { Err(LedgerError::LeaseLost(lease.id)) }
}

/// A value does not fit into its column.
#[derive(Debug, Error)]
#[error("{bytes} bytes are too long for {column}")]
struct TooLong {
    column: &'static str,
    bytes: usize,
}

/// Refuses what is far too long before it is sent. The database's own refusal comes too late where the rows of
/// one INSERT together exceed its largest packet: that looks like trouble that passes, and never does.
fn check_lengths(row: &Notification) -> Result<(), LedgerError> {
    // The columns' limits in bytes; where they are given in characters, the database counts those.
    let lengths = [
        ("recipient", row.recipient.as_str().len(), 4 * 320),
        ("username", row.username.len(), 4 * 255),
        ("fullName", row.full_name.as_deref().map_or(0, str::len), 4 * 255),
        ("changed", changed_to_text(&row.changed).len(), 65_535),
        ("otherAddress", row.other_address.as_ref().map_or(0, |other| other.as_str().len()), 4 * 320),
    ];
    match lengths.into_iter().find(|(_, bytes, most)| bytes > most) {
        Some((column, bytes, _)) => Err(LedgerError::Rejected(TooLong { column, bytes }.into())),
        None => Ok(()),
    }
}

/// Inserts the rows that are not known, and tells how many those were. Known ones are not even tried: the INSERT
/// would lock them, and hold up whoever records what became of them.
async fn insert(transaction: &mut Transaction<'_, MySql>, rows: &[Notification]) -> Result<u64, sqlx::Error> {
    let known = known(transaction, rows).await?;
    let rows: Vec<_> = rows.iter().filter(|row| !known.contains(&row.id.0)).collect();
    if rows.is_empty() {
        return Ok(0);
    }
    let mut query = QueryBuilder::new(
        "INSERT INTO notifications (id, eventId, userId, kind, recipient, locale, username, fullName,
             changed, otherAddress, securityVersion, occurredAt, traceparent, recordedAt, dueAt) ",
    );
    query.push_values(&rows, |mut values, row| {
        values
            .push_bind(row.id.0)
            .push_bind(row.event_id.0)
            .push_bind(row.user_id.0)
            .push_bind(row.kind.as_str())
            .push_bind(row.recipient.as_str())
            .push_bind(row.locale.as_str())
            .push_bind(row.username.as_str())
            .push_bind(row.full_name.as_deref())
            .push_bind(changed_to_text(&row.changed))
            .push_bind(row.other_address.as_ref().map(Recipient::as_str))
            .push_bind(row.security_version)
            // As a DATETIME: a TIMESTAMP, which the driver makes of a time with a zone, ends in 2038 on MariaDB.
            .push_bind(row.occurred_at.map(|time| time.naive_utc()))
            .push_bind(row.traceparent.as_deref())
            .push("UTC_TIMESTAMP(6)")
            .push("UTC_TIMESTAMP(6)");
    });
    // Not INSERT IGNORE, which would also swallow a value that is cut short.
    query.push(" ON DUPLICATE KEY UPDATE id = id");
    transaction.execute(query.build()).await?;
    // The driver counts an untouched duplicate as affected, so the INSERT itself does not tell.
    let new: HashSet<_> = rows.iter().map(|row| row.id.0).collect();
    Ok(u64::try_from(new.len()).unwrap_or(u64::MAX))
}

/// Which of these ids the table holds.
async fn known(
    transaction: &mut Transaction<'_, MySql>,
    rows: &[Notification],
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT id FROM notifications WHERE id IN (");
    let mut ids = query.separated(", ");
    for row in rows {
        ids.push_bind(row.id.0);
    }
    query.push(")");
    let known: Vec<Uuid> = query.build_query_scalar().fetch_all(&mut **transaction).await?;
    Ok(known.into_iter().collect())
}

/// Locks those of the rows that can still be claimed and that no other claim is taking. By the primary key:
/// the index of what is due, which a short queue makes attractive, would also lock the rows of other claims
/// for a moment.
async fn lock(
    transaction: &mut Transaction<'_, MySql>,
    seqs: &[u64],
) -> Result<Vec<ClaimedColumns>, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "SELECT id, eventId, userId, kind, recipient, locale, username, fullName, changed, otherAddress,
             securityVersion, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', occurredAt), traceparent,
             CAST(attempts AS SIGNED), CAST(putOffFor AS SIGNED),
             TIMESTAMPDIFF(MICROSECOND, occurredAt, UTC_TIMESTAMP(6))
         FROM notifications FORCE INDEX (PRIMARY)
         WHERE state = 'queued' AND dueAt <= UTC_TIMESTAMP(6)
           AND (leaseUntil IS NULL OR leaseUntil <= UTC_TIMESTAMP(6)) AND seq IN (",
    );
    let mut list = query.separated(", ");
    for seq in seqs {
        list.push_bind(*seq);
    }
    query.push(") ORDER BY dueAt, seq FOR UPDATE SKIP LOCKED");
    query.build_query_as().fetch_all(&mut **transaction).await
}

/// Puts a lease on locked rows.
async fn take(
    transaction: &mut Transaction<'_, MySql>,
    rows: &[ClaimedColumns],
    lease: Duration,
) -> Result<LeaseToken, LedgerError> {
    let token: Vec<u8> = sqlx::query_scalar("SELECT RANDOM_BYTES(16)")
        .fetch_one(&mut **transaction)
        .await
        .map_err(unavailable)?;
    let token =
        LeaseToken(token.try_into().map_err(|_| unavailable("RANDOM_BYTES(16) gave other than 16 bytes"))?);
    let mut query = QueryBuilder::new("UPDATE notifications SET leaseToken = ");
    query.push_bind(token.0.to_vec());
    query.push(", leaseUntil = UTC_TIMESTAMP(6) + INTERVAL ").push_bind(micros(lease));
    query.push(" MICROSECOND WHERE id IN (");
    let mut ids = query.separated(", ");
    for row in rows {
        ids.push_bind(row.0);
    }
    query.push(")");
    transaction.execute(query.build()).await.map_err(unavailable)?;
    Ok(token)
}

/// Whether a failed INSERT is the data's fault. SQLSTATE class 22 is "data exception": too long, a
/// character that the column cannot hold.
fn by_fault(error: sqlx::Error) -> LedgerError {
    let state = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    if state.is_some_and(|state| state.starts_with("22")) {
        LedgerError::Rejected(error.into())
    } else {
        unavailable(error)
    }
}
