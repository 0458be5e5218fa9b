use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{Migrate, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};

use crate::data_sources::OpenError;
use crate::data_sources::sql::{MIGRATIONS_TABLE, is_up_to_date, migrator};

/// How long a writer waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Reading never waits for the writer in WAL mode; a few connections are plenty.
const READERS: u32 = 4;

const SCRIPTS: [(&str, &str); 6] = [
    ("notifications", include_str!("../../../migrations/sqlite/0001_notifications.sql")),
    ("action links", include_str!("../../../migrations/sqlite/0002_action_links.sql")),
    ("put off for", include_str!("../../../migrations/sqlite/0003_put_off_for.sql")),
    ("delivery attempts", include_str!("../../../migrations/sqlite/0004_delivery_attempts.sql")),
    ("suppressed addresses", include_str!("../../../migrations/sqlite/0005_suppressed_addresses.sql")),
    ("retention", include_str!("../../../migrations/sqlite/0006_retention.sql")),
];

/// The connections to one file.
pub(super) struct Pools {
    /// One connection: SQLite has one writer at a time, and queueing for it here is fair, unlike its busy
    /// waiting.
    pub(super) writer: SqlitePool,
    /// Connections that only read.
    pub(super) readers: SqlitePool,
}

/// Opens a file and checks that the schema is the one this build works with.
pub(super) async fn open(path: &Path) -> Result<Pools, OpenError> {
    if !path.exists() {
        return Err(OpenError::NotMigrated);
    }
    let options = options(path);
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .after_release(|connection, _metadata| Box::pin(is_reusable(connection)))
        .connect_with(options.clone())
        .await
        .map_err(OpenError::Connect)?;
    let mut connection = writer.acquire().await.map_err(OpenError::Connect)?;
    if !is_migrated(&mut connection, &migrations()).await? {
        return Err(OpenError::NotMigrated);
    }
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .connect_with(options.read_only(true))
        .await
        .map_err(OpenError::Connect)?;
    Ok(Pools { writer, readers })
}

/// Creates the file where there is none, and applies the migrations that were not applied yet.
pub(super) async fn migrate(path: &Path) -> Result<(), OpenError> {
    let mut connection = options(path).create_if_missing(true).connect().await.map_err(OpenError::Connect)?;
    // In one transaction, so that processes that start together do not both do it.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(OpenError::Connect)?;
    migrations().run_direct(None, &mut *transaction, false).await.map_err(OpenError::Migrate)?;
    transaction.commit().await.map_err(OpenError::Connect)?;
    connection.close().await.map_err(OpenError::Connect)
}

fn migrations() -> Migrator {
    migrator(&SCRIPTS)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // What was recorded survives a power cut: its offsets are stored next.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
}

/// Whether a connection has left its transaction behind. Some failures (a full disk, say) make SQLite roll
/// back by itself, which the driver does not notice: such a connection would refuse every further one.
async fn is_reusable(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // The answer comes after the rollback that a dropped transaction has queued.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

async fn is_migrated(connection: &mut SqliteConnection, migrations: &Migrator) -> Result<bool, OpenError> {
    let tables: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?")
            .bind(MIGRATIONS_TABLE)
            .fetch_one(&mut *connection)
            .await
            .map_err(OpenError::Connect)?;
    if tables == 0 {
        return Ok(false);
    }
    let applied = connection.list_applied_migrations(MIGRATIONS_TABLE).await.map_err(OpenError::Migrate)?;
    Ok(is_up_to_date(migrations, &applied))
}
