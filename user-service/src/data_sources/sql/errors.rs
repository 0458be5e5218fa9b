use sqlx::error::ErrorKind;

use crate::repositories::{ChangeFeedError, RepositoryError};

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
            // lock wait timeout, deadlock; MariaDB: record changed since it was read
            1205 | 1213 | 1020 => Meaning::Contention,
            // too many connections (for this user), shutting down, killed, read-only after a failover
            1040 | 1203 | 1053 | 1317 | 1290 | 1836 => Meaning::Unavailable,
            // MySQL's and MariaDB's own codes for a lost connection
            1152..=1161 | 1927 | 2006 | 2013 => Meaning::Unavailable,
            _ => Meaning::Failed,
        };
    }
    // Neither is used when only the other database is compiled in.
    let _ = database;
    match code.and_then(|code| code.parse::<u32>().ok()).map(|extended| extended & 0xff) {
        // SQLITE_BUSY, SQLITE_LOCKED
        Some(5 | 6) => Meaning::Contention,
        // SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN
        Some(10 | 13 | 14) => Meaning::Unavailable,
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

pub(in crate::data_sources) fn feed_error(error: sqlx::Error) -> ChangeFeedError {
    match meaning(&error) {
        Meaning::Contention | Meaning::Unavailable => ChangeFeedError::Unavailable(Box::new(error)),
        Meaning::Failed => ChangeFeedError::Failed(Box::new(error)),
    }
}
