use std::str::FromStr;
use std::time::Duration;

use sqlx::Connection;
use sqlx::migrate::{Migrate, Migrator};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPool, MySqlPoolOptions};

use crate::data_sources::OpenError;
use crate::data_sources::sql::{MIGRATIONS_TABLE, is_up_to_date, migrator};

/// How long a call waits for a connection before the ledger counts as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the server waits for a session that says nothing, in a transaction too. It bounds how long a process
/// that was stopped in the middle of one (SIGSTOP, a paused machine) keeps its rows locked: claims pass those over,
/// whatever their lease says, and an event that another process reads again waits for them. Shorter than what is
/// kept of a lease for recording an outcome, which may have to wait for such a lock.
const SILENCE_SECONDS: u32 = 3;
/// Idle connections are closed before the server does it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

const SCRIPTS: [(&str, &str); 6] = [
    ("notifications", include_str!("../../../migrations/mysql/0001_notifications.sql")),
    ("action links", include_str!("../../../migrations/mysql/0002_action_links.sql")),
    ("put off for", include_str!("../../../migrations/mysql/0003_put_off_for.sql")),
    ("delivery attempts", include_str!("../../../migrations/mysql/0004_delivery_attempts.sql")),
    ("suppressed addresses", include_str!("../../../migrations/mysql/0005_suppressed_addresses.sql")),
    ("retention", include_str!("../../../migrations/mysql/0006_retention.sql")),
];

/// A lock of this ledger's own; a lock's name may have 64 characters, no more than a database's.
const MIGRATION_LOCK: &str =
    "SELECT GET_LOCK(CONCAT('migrate.notifier.', LEFT(SHA2(DATABASE(), 256), 32)), ?)";

/// How long to wait for another process that migrates the same ledger.
const MIGRATION_LOCK_SECONDS: i64 = 600;

/// MySQL's "no such table".
const NO_SUCH_TABLE: u16 = 1146;

/// Connects and checks that the schema is the one this build works with.
pub(super) async fn open(url: &str, connections: u32) -> Result<MySqlPool, OpenError> {
    let pool = MySqlPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(IDLE_TIMEOUT)
        .after_connect(|connection, _| Box::pin(set_up_session(connection)))
        .connect_with(options(url)?)
        .await
        .map_err(OpenError::Connect)?;
    let mut connection = pool.acquire().await.map_err(OpenError::Connect)?;
    if is_migrated(&mut connection, &migrations()).await? { Ok(pool) } else { Err(OpenError::NotMigrated) }
}

/// Applies the migrations that were not applied yet. Several callers take turns.
pub(super) async fn migrate(url: &str) -> Result<(), OpenError> {
    let mut connection = MySqlConnection::connect_with(&options(url)?).await.map_err(OpenError::Connect)?;
    // sqlx's own lock waits for -1 seconds, which MariaDB takes for an error and not for "for ever". This one
    // ends with the connection, however that ends.
    let locked: Option<i64> = sqlx::query_scalar(MIGRATION_LOCK)
        .bind(MIGRATION_LOCK_SECONDS)
        .fetch_one(&mut connection)
        .await
        .map_err(OpenError::Connect)?;
    if locked != Some(1) {
        return Err(OpenError::Locked);
    }
    let mut migrations = migrations();
    migrations.set_locking(false);
    migrations.run_direct(None, &mut connection, false).await.map_err(OpenError::Migrate)?;
    connection.close().await.map_err(OpenError::Connect)
}

fn migrations() -> Migrator {
    migrator(&SCRIPTS)
}

fn options(url: &str) -> Result<MySqlConnectOptions, OpenError> {
    let options = MySqlConnectOptions::from_str(url).map_err(OpenError::Connect)?;
    Ok(options.charset("utf8mb4").timezone(Some("+00:00".to_owned())))
}

async fn set_up_session(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    // Without strict mode a value that is too long would be cut in silence, whatever the server's default.
    sqlx::raw_sql("SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')")
        .execute(&mut *connection)
        .await?;
    sqlx::query("SET SESSION wait_timeout = ?").bind(SILENCE_SECONDS).execute(&mut *connection).await?;
    // Claims lock only the rows that they take, and see what was committed a moment ago.
    sqlx::raw_sql("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").execute(connection).await?;
    Ok(())
}

async fn is_migrated(connection: &mut MySqlConnection, migrations: &Migrator) -> Result<bool, OpenError> {
    match connection.list_applied_migrations(MIGRATIONS_TABLE).await {
        Ok(applied) => Ok(is_up_to_date(migrations, &applied)),
        Err(error) if is_missing_table(&error) => Ok(false),
        Err(error) => Err(OpenError::Migrate(error)),
    }
}

fn is_missing_table(error: &sqlx::migrate::MigrateError) -> bool {
    let sqlx::migrate::MigrateError::Execute(error) = error else { return false };
    error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>())
        .is_some_and(|error| error.number() == NO_SUCH_TABLE)
}
