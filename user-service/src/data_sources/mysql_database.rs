use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};
use sqlx::Connection as _;
use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlPool, MySqlPoolOptions};
use sqlx::{MySql, Transaction};
use telemetry::Tracer;

use super::sql::{ChangeSignal, Moment, SchemaError, check_applied, migrator, statements};

/// How long a server may take to answer a new client, and a caller wait for a connection to be free.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Without strict mode a value that is too long would be cut in silence, whatever the server's default. Whoever waits
/// for a lock gives up before the caller does, who has an answer then.
const SET_UP_SESSION: &str =
    "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), innodb_lock_wait_timeout = 5";

/// A lock of this database's own; a lock's name may have 64 characters, no more than a database's.
const MIGRATION_LOCK: &str = "SELECT GET_LOCK(CONCAT('migrate.', LEFT(SHA2(DATABASE(), 256), 32)), ?)";

/// How long to wait for another process that migrates the same database.
const MIGRATION_LOCK_SECONDS: i64 = 600;

/// MySQL's "no such table".
const NO_SUCH_TABLE: u16 = 1146;

/// A MySQL or MariaDB server's database, as a pool of connections that the adapters share.
#[derive(Debug, Clone)]
pub struct MySqlDatabase {
    pool: MySqlPool,
    pub(super) signal: ChangeSignal,
    pub(super) tracer: Tracer,
}

impl MySqlDatabase {
    /// Prepares a pool of up to `max_connections`; connects when first used.
    ///
    /// # Errors
    ///
    /// When the URL is not one, or not of a database: `mysql://user:password@host:port/database`.
    pub fn connect_lazy(url: &str, max_connections: u32) -> Result<Self, sqlx::Error> {
        let options = MySqlConnectOptions::from_str(url)?;
        if options.get_database().is_none() {
            return Err(sqlx::Error::Configuration("the URL names no database".into()));
        }
        let pool = MySqlPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(CONNECT_TIMEOUT)
            .after_connect(|connection, _metadata| Box::pin(set_up_session(connection)))
            .connect_lazy_with(options);
        Ok(Self { pool, signal: ChangeSignal::default(), tracer: Tracer::silent() })
    }

    /// The same, and what is committed is told to that tracer.
    #[must_use]
    pub fn traced(self, tracer: Tracer) -> Self {
        Self { tracer, ..self }
    }

    /// Brings the schema to the version of this build. Safe on live data and when several do it at once.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Migrate`], [`SchemaError::Altered`], [`SchemaError::Locked`], [`SchemaError::Unreadable`].
    pub async fn migrate(&self) -> Result<(), SchemaError> {
        // A connection of its own: however this ends, the lock ends with it.
        let mut connection = self.connect().await.map_err(SchemaError::Unreadable)?;
        // sqlx's own lock waits for -1 seconds, which MariaDB takes for an error and not for "for ever".
        let locked: Option<i64> = sqlx::query_scalar(MIGRATION_LOCK)
            .bind(MIGRATION_LOCK_SECONDS)
            .fetch_one(&mut connection)
            .await
            .map_err(SchemaError::Unreadable)?;
        if locked != Some(1) {
            return Err(SchemaError::Locked);
        }
        let mut migrations = migrations();
        migrations.set_locking(false);
        migrations.run_direct(None, &mut connection, false).await?;
        connection.close().await.map_err(SchemaError::Unreadable)
    }

    /// Refuses a schema that lacks something that this build needs.
    ///
    /// # Errors
    ///
    /// [`SchemaError::NotMigrated`], [`SchemaError::Altered`], or why it could not be found out.
    pub async fn check_schema(&self) -> Result<(), SchemaError> {
        let migrations = migrations();
        let mut connection = self.connect().await.map_err(SchemaError::Unreadable)?;
        // Only reads: whoever serves needs no right to create tables.
        let applied = match connection.list_applied_migrations(&migrations.table_name).await {
            Err(MigrateError::Execute(error)) if is_missing_table(&error) => {
                return Err(SchemaError::NotMigrated);
            }
            result => result?,
        };
        // A server commits at each statement that changes the schema, and so a migration that is under way or
        // that broke off is on the list too.
        if connection.dirty_version(&migrations.table_name).await?.is_some() {
            return Err(SchemaError::NotMigrated);
        }
        connection.close().await.map_err(SchemaError::Unreadable)?;
        check_applied(&migrations, &applied)
    }

    /// A connection beside the pool, which would keep to itself why a server cannot be reached.
    pub(super) async fn connect(&self) -> Result<MySqlConnection, sqlx::Error> {
        let options = self.pool.connect_options();
        let connect = async {
            let mut connection = MySqlConnection::connect_with(&options).await?;
            set_up_session(&mut connection).await?;
            Ok(connection)
        };
        match tokio::time::timeout(CONNECT_TIMEOUT, connect).await {
            Ok(result) => result,
            Err(_elapsed) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// Begins in a task of its own, which a caller who is cancelled does not take along: until the server has
    /// answered a `BEGIN`, sqlx does not count it, and the connection would be back in the pool within a
    /// transaction, where it reads what is outdated and loses what it writes.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, MySql>, sqlx::Error> {
        let pool = self.pool.clone();
        let begun = tokio::spawn(async move { pool.begin().await });
        begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    /// What time the server has.
    ///
    /// # Errors
    ///
    /// When it cannot be asked.
    pub async fn now(&self) -> Result<DateTime<Utc>, sqlx::Error> {
        let now: NaiveDateTime =
            sqlx::query_scalar("SELECT UTC_TIMESTAMP(6)").fetch_one(self.readers()).await?;
        Ok(now.and_utc())
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
        super::sql::connections(&[&self.pool])
    }

    pub(super) fn readers(&self) -> &MySqlPool {
        &self.pool
    }

    /// For a statement that is a transaction of its own.
    pub(super) fn writers(&self) -> &MySqlPool {
        &self.pool
    }

    /// Deletes by such a statement, which takes the moment and the limit; returns how many.
    pub(super) async fn delete_expired(
        &self,
        sql: &'static str,
        now: DateTime<Utc>,
        max: u32,
    ) -> Result<u64, sqlx::Error> {
        Ok(sqlx::query(sql).bind(Moment(now)).bind(max).execute(&self.pool).await?.rows_affected())
    }

    /// Closes every connection; waits for those in use.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

async fn set_up_session(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(SET_UP_SESSION).execute(connection).await.map(drop)
}

fn is_missing_table(error: &sqlx::Error) -> bool {
    let database = error.as_database_error().and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>());
    database.is_some_and(|error| error.number() == NO_SUCH_TABLE)
}

fn migrations() -> Migrator {
    migrator(&[
        (1, "users", include_str!("../../migrations/mysql/0001_users.sql")),
        (2, "user changes", include_str!("../../migrations/mysql/0002_user_changes.sql")),
        (3, "outbox", include_str!("../../migrations/mysql/0003_outbox.sql")),
        (4, "sessions", include_str!("../../migrations/mysql/0004_sessions.sql")),
        (5, "idempotent answers", include_str!("../../migrations/mysql/0005_idempotent_answers.sql")),
        (6, "reset requests", include_str!("../../migrations/mysql/0006_password_reset_requests.sql")),
        (7, "user indexes", include_str!("../../migrations/mysql/0007_user_indexes.sql")),
        (8, "relay markers", include_str!("../../migrations/mysql/0008_relay_markers.sql")),
        (9, "relay position", include_str!("../../migrations/mysql/0009_relay_position.sql")),
    ])
}
