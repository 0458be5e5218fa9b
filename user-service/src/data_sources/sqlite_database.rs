use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::error::DatabaseError;
use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{Connection as _, Sqlite, Transaction};
use telemetry::Tracer;
use tokio::time::{Instant, sleep};

use super::sql::{ChangeSignal, Moment, SchemaError, check_applied, migrator, statements};

/// Connections for reading beside the one that writes.
const READERS: u32 = 4;

/// How long to wait for other processes that write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long until the next try when the file is locked while it is opened.
const OPEN_AGAIN: Duration = Duration::from_millis(20);

/// A SQLite file. SQLite has one writer at a time: the writers of this process queue for one connection,
/// in order, instead of finding the file locked; readers do not wait for them.
#[derive(Debug, Clone)]
pub struct SqliteDatabase {
    writer: SqlitePool,
    readers: SqlitePool,
    pub(super) signal: ChangeSignal,
    pub(super) tracer: Tracer,
}

impl SqliteDatabase {
    /// Opens the file, and creates it when it is missing.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub async fn open(path: &Path) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was answered as done is on the disk, also when the power fails.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT);
        let writer = connect_writer(&options).await?;
        let readers = SqlitePoolOptions::new().max_connections(READERS).connect_lazy_with(options);
        Ok(Self { writer, readers, signal: ChangeSignal::default(), tracer: Tracer::silent() })
    }

    /// The same, and what is committed is told to that tracer.
    #[must_use]
    pub fn traced(self, tracer: Tracer) -> Self {
        Self { tracer, ..self }
    }

    /// Brings the schema to the version of this build, in one transaction, so that processes that start
    /// together do not both do it.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Migrate`], [`SchemaError::Altered`].
    pub async fn migrate(&self) -> Result<(), SchemaError> {
        let mut transaction = self.begin().await.map_err(MigrateError::from)?;
        // `run` would borrow in a way that makes the future not `Send`.
        migrations().run_direct(None, &mut *transaction, false).await?;
        Ok(transaction.commit().await.map_err(MigrateError::from)?)
    }

    /// Refuses a schema that lacks something that this build needs.
    ///
    /// # Errors
    ///
    /// [`SchemaError::NotMigrated`], [`SchemaError::Altered`], or why it could not be found out.
    pub async fn check_schema(&self) -> Result<(), SchemaError> {
        let migrations = migrations();
        let mut connection = self.writer.acquire().await.map_err(SchemaError::Unreadable)?;
        connection.ensure_migrations_table(&migrations.table_name).await?;
        let applied = connection.list_applied_migrations(&migrations.table_name).await?;
        check_applied(&migrations, &applied)
    }

    /// A transaction that can write: it waits for the file before it reads anything, so that what it reads
    /// is not outdated by the time it writes.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    /// How many changes were set aside that can never be published.
    ///
    /// # Errors
    ///
    /// When it cannot be found out.
    pub async fn count_dead(&self) -> Result<u64, sqlx::Error> {
        let count: i64 = sqlx::query_scalar(statements::COUNT_DEAD).fetch_one(self.readers()).await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// The connections that this process has.
    #[cfg(feature = "metrics")]
    pub fn connections(&self) -> telemetry::metrics::Connections {
        super::sql::connections(&[&self.readers, &self.writer])
    }

    pub(super) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    pub(super) fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    /// Deletes by such a statement, which takes the moment and the limit; returns how many.
    pub(super) async fn delete_expired(
        &self,
        sql: &'static str,
        now: DateTime<Utc>,
        max: u32,
    ) -> Result<u64, sqlx::Error> {
        Ok(sqlx::query(sql).bind(Moment(now)).bind(max).execute(&self.writer).await?.rows_affected())
    }

    /// Closes every connection; waits for those in use.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Opens the connection that writes, again and again while the file is locked: the switch to WAL does not heed
/// the busy timeout, and several processes may create one file at the same time.
async fn connect_writer(options: &SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(30))
            .idle_timeout(None)
            .max_lifetime(None)
            .after_release(|connection, _metadata| Box::pin(is_reusable(connection)));
        match pool.connect_with(options.clone()).await {
            Err(error) if is_locked(&error) && Instant::now() < deadline => sleep(OPEN_AGAIN).await,
            result => return result,
        }
    }
}

/// Whether another connection is in the way: `SQLITE_BUSY`, in the low byte of an extended code.
fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code & 0xff == 5)
}

/// Whether a connection has left its transaction behind. Some failures (a full disk, say) make SQLite roll
/// back by itself, which the driver does not notice: such a connection would refuse every further one.
async fn is_reusable(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // The answer comes after the rollback that a dropped transaction has queued.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

fn migrations() -> Migrator {
    migrator(&[
        (1, "users", include_str!("../../migrations/sqlite/0001_users.sql")),
        (2, "outbox", include_str!("../../migrations/sqlite/0002_outbox.sql")),
        (3, "sessions", include_str!("../../migrations/sqlite/0003_sessions.sql")),
        (4, "idempotent answers", include_str!("../../migrations/sqlite/0004_idempotent_answers.sql")),
        (5, "reset requests", include_str!("../../migrations/sqlite/0005_password_reset_requests.sql")),
        (6, "user indexes", include_str!("../../migrations/sqlite/0006_user_indexes.sql")),
    ])
}
