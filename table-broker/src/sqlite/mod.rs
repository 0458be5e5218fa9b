//! The broker's tables on `SQLite`. All SQL is in this module and in `migrations/sqlite`.
//!
//! Every write is a transaction of its own on the single write connection, begun with `BEGIN IMMEDIATE`: it waits for
//! the lock of other processes before it reads anything, so that what it reads can't be outdated by the time it
//! writes (`SQLITE_BUSY_SNAPSHOT`). Every read is one statement on a read connection, and so sees one committed
//! state.

mod groups;
mod log;

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::pool::PoolConnectionMetadata;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqlSafeStr, Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::time::Instant;

use crate::error::{BrokerError, is_transient};

pub(crate) use groups::{GroupState, Lease, Membership};

/// How long a write waits for those of other processes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How many reads can run at the same time.
const READ_CONNECTIONS: u32 = 4;

/// The database's clock in milliseconds since 1970, as an SQL expression.
macro_rules! now_ms {
    () => {
        "CAST(ROUND(unixepoch('subsec') * 1000) AS INTEGER)"
    };
}
use now_ms;

/// The broker's tables in one `SQLite` file.
#[derive(Debug, Clone)]
pub(crate) struct SqliteStore {
    /// One connection: this process's writers queue here, in order, rather than spin on the file's lock.
    writer: SqlitePool,
    reader: SqlitePool,
}

impl SqliteStore {
    /// Opens the file, creating it when missing, and migrates it.
    pub(crate) async fn open(path: &Path) -> Result<Self, BrokerError> {
        let options =
            SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT).foreign_keys(true);
        let write_options = options
            .clone()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let writer = connect_writer(write_options)
            .await
            .map_err(|source| BrokerError::Open { path: path.to_owned(), source })?;
        migrate(&writer).await.map_err(|source| BrokerError::Migrate { path: path.to_owned(), source })?;
        let reader = SqlitePoolOptions::new()
            .max_connections(READ_CONNECTIONS)
            .test_before_acquire(false)
            .connect_lazy_with(options.pragma("query_only", "ON"));
        Ok(Self { writer, reader })
    }

    /// A transaction that can write.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    pub(crate) async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// Opens the write connection, again and again while the file is locked: switching to WAL is not subject to the busy
/// timeout, and several processes may create one file at the same time.
async fn connect_writer(options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .after_release(|connection, metadata| Box::pin(is_reusable(connection, metadata)));
        match pool.connect_with(options.clone()).await {
            Err(error) if is_transient(&error) && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            result => return result,
        }
    }
}

/// Whether a write connection has left its transaction behind. Some failures (a full disk, say) make `SQLite` roll back
/// by itself, which sqlx doesn't notice: such a connection would refuse every further transaction.
async fn is_reusable(
    connection: &mut SqliteConnection,
    _: PoolConnectionMetadata,
) -> Result<bool, sqlx::Error> {
    // The answer comes after the rollback that a dropped transaction has queued.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Brings the schema up to date. In one transaction, so that processes that start together don't both do it.
async fn migrate(writer: &SqlitePool) -> Result<(), sqlx::migrate::MigrateError> {
    let mut migrator = Migrator::with_migrations(vec![Migration::new(
        1,
        "broker".into(),
        MigrationType::Simple,
        include_str!("../../migrations/sqlite/0001_broker.sql").into_sql_str(),
        false,
    )]);
    // A name of its own, so that the tables can live in a file with those of others.
    migrator.dangerous_set_table_name("broker_migrations");
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    // `run` borrows in a way that makes the future not `Send`.
    migrator.run_direct(None, &mut *tx, false).await?;
    tx.commit().await?;
    Ok(())
}

/// An offset or a count as `SQLite` stores it; no table reaches the bound.
fn as_stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A duration in whole milliseconds.
fn as_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NewRecord;

    async fn pragma(pool: &SqlitePool, statement: &'static str) -> String {
        sqlx::query_scalar::<_, i64>(statement).fetch_one(pool).await.unwrap().to_string()
    }

    #[tokio::test]
    async fn writes_are_durable_and_readers_can_not_write() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("broker.db")).await.unwrap();
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&store.writer).await.unwrap();
        assert_eq!(mode, "wal");
        assert_eq!(pragma(&store.writer, "PRAGMA synchronous").await, "2");
        assert_eq!(pragma(&store.writer, "PRAGMA busy_timeout").await, "10000");
        assert_eq!(pragma(&store.writer, "PRAGMA foreign_keys").await, "1");
        assert!(sqlx::query("DELETE FROM broker_records").execute(&store.reader).await.is_err());
    }

    #[tokio::test]
    async fn a_full_disk_fails_one_append_and_not_those_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("broker.db")).await.unwrap();
        store.create_topic("t", 1).await.unwrap();
        let pages = pragma(&store.writer, "PRAGMA page_count").await;
        sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}")))
            .execute(&store.writer)
            .await
            .unwrap();
        let record = NewRecord { value: vec![7; 100_000], ..NewRecord::default() };
        let error = store.append("t", std::slice::from_ref(&record)).await.unwrap_err();
        assert!(error.is_retryable(), "{error:?}");

        // Were it the same connection, the limit would have to be lifted.
        let _ = sqlx::query("PRAGMA max_page_count = 1073741823").execute(&store.writer).await;
        let places = store.append("t", &[record]).await.unwrap();
        assert_eq!(places[0].offset, 0, "the failed append has left nothing");
    }

    #[tokio::test]
    async fn the_tables_can_share_a_file_with_another_migrator() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shared.db");
        let store = SqliteStore::open(&path).await.unwrap();
        let other = vec![Migration::new(
            1,
            "other".into(),
            MigrationType::Simple,
            "CREATE TABLE other (id INTEGER)".into_sql_str(),
            false,
        )];
        Migrator::with_migrations(other).run(&store.writer).await.unwrap();
        store.close().await;
        SqliteStore::open(&path).await.unwrap();
    }
}
