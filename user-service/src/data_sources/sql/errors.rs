use sqlx::error::ErrorKind;

use crate::repositories::{ChangeFeedError, RepositoryError};

/// MySQL's "lock wait timeout exceeded".
#[cfg(feature = "mysql")]
const LOCK_WAIT_TIMEOUT: u16 = 1205;

/// What a failure means for whoever called. The database's own words stay in the source.
enum Meaning {
    Contention,
    Unavailable,
    Failed,
}

fn meaning(error: &sqlx::Error) -> Meaning {
    match error {
        sqlx::Error::Database(database) => of_code(database.code().as_deref(), &**database),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => Meaning::Unavailable,
        // A broken stream shows as nonsense in the protocol; the next connection is a fresh one.
        sqlx::Error::Protocol(_) => Meaning::Unavailable,
        _ => Meaning::Failed,
    }
}

/// MySQL and MariaDB: SQLSTATE and error number
/// (<https://dev.mysql.com/doc/mysql-errors/9.0/en/server-error-reference.html>).
/// SQLite: the extended result code (<https://www.sqlite.org/rescode.html>).
fn of_code(code: Option<&str>, database: &dyn sqlx::error::DatabaseError) -> Meaning {
    #[cfg(feature = "mysql")]
    if let Some(mysql) = database.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return match mysql.number() {
            // deadlock, also between the nodes of a cluster; MariaDB: record changed since it was read
            1213 | 3101 | 1020 => Meaning::Contention,
            // Waiting for a lock took too long: the caller has waited enough.
            LOCK_WAIT_TIMEOUT => Meaning::Unavailable,
            // too many connections (for this user), shutting down, killed, idle for too long
            1040 | 1203 | 1226 | 1053 | 1317 | 4031 => Meaning::Unavailable,
            // read-only after a failover, as the server or by its transactions
            1290 | 1792 | 1836 => Meaning::Unavailable,
            // out of memory, disk full, as the server or the storage engine says it
            1021 | 1037 | 1041 | 1114 => Meaning::Unavailable,
            // MySQL's and MariaDB's own codes for a lost connection
            1152..=1161 | 1927 | 2006 | 2013 => Meaning::Unavailable,
            _ => Meaning::Failed,
        };
    }
    // Neither is used when only the other database is compiled in.
    let _ = database;
    match code.and_then(|code| code.parse::<u32>().ok()).map(|extended| extended & 0xff) {
        // LOCKED: by this process, at once
        Some(6) => Meaning::Contention,
        // In turn: BUSY (after the busy timeout: the caller has waited enough), NOMEM, IOERR, FULL, CANTOPEN,
        // PROTOCOL.
        Some(5 | 7 | 10 | 13 | 14 | 15) => Meaning::Unavailable,
        _ => Meaning::Failed,
    }
}

pub(in crate::data_sources) fn is_unique_violation(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(database) if database.kind() == ErrorKind::UniqueViolation)
}

pub(in crate::data_sources) fn repository_error(error: sqlx::Error) -> RepositoryError {
    match meaning(&error) {
        Meaning::Contention => RepositoryError::Contention(Box::new(error)),
        Meaning::Unavailable => RepositoryError::Unavailable(Box::new(error)),
        Meaning::Failed => RepositoryError::Failed(Box::new(error)),
    }
}

/// What it means when the row of an idempotent request's key cannot be added.
pub(in crate::data_sources) fn key_error(error: sqlx::Error) -> RepositoryError {
    if is_unique_violation(&error) {
        return RepositoryError::Answered;
    }
    // On SQLite whoever holds the key holds the file, and is waited for when the transaction begins.
    #[cfg(feature = "mysql")]
    if mysql_number(&error) == Some(LOCK_WAIT_TIMEOUT) {
        return RepositoryError::InProgress;
    }
    repository_error(error)
}

#[cfg(feature = "mysql")]
fn mysql_number(error: &sqlx::Error) -> Option<u16> {
    let database = error.as_database_error()?.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()?;
    Some(database.number())
}

pub(in crate::data_sources) fn feed_error(error: sqlx::Error) -> ChangeFeedError {
    match meaning(&error) {
        Meaning::Contention | Meaning::Unavailable => ChangeFeedError::Unavailable(Box::new(error)),
        Meaning::Failed => ChangeFeedError::Failed(Box::new(error)),
    }
}
