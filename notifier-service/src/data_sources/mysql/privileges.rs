//! What the account may do, found out by asking for the plan of a statement: a server asks for the same privileges then,
//! and executes nothing.

use chrono::{DateTime, Utc};
use sqlx::mysql::MySqlDatabaseError;

use super::MySqlNotificationLedger;

/// MySQL's and MariaDB's "access denied" to a table or a column.
const DENIED: [u16; 2] = [1142, 1143];

/// Privileges, and a statement for each.
const NEEDED: [(&str, &str); 11] = [
    ("SELECT ON notifications", "EXPLAIN SELECT * FROM notifications"),
    ("INSERT ON notifications", "EXPLAIN INSERT INTO notifications () VALUES ()"),
    ("UPDATE ON notifications", "EXPLAIN UPDATE notifications SET attempts = attempts"),
    ("DELETE ON notifications", "EXPLAIN DELETE FROM notifications"),
    ("SELECT ON deliveryAttempts", "EXPLAIN SELECT * FROM deliveryAttempts"),
    ("INSERT ON deliveryAttempts", "EXPLAIN INSERT INTO deliveryAttempts () VALUES ()"),
    ("DELETE ON deliveryAttempts", "EXPLAIN DELETE FROM deliveryAttempts"),
    ("SELECT ON suppressedAddresses", "EXPLAIN SELECT * FROM suppressedAddresses"),
    ("INSERT ON suppressedAddresses", "EXPLAIN INSERT INTO suppressedAddresses () VALUES ()"),
    ("UPDATE ON suppressedAddresses", "EXPLAIN UPDATE suppressedAddresses SET endsAt = endsAt"),
    ("DELETE ON suppressedAddresses", "EXPLAIN DELETE FROM suppressedAddresses"),
];

impl MySqlNotificationLedger {
    /// What the account may not do that the notifier has to.
    ///
    /// # Errors
    ///
    /// When the server cannot be asked.
    pub async fn missing_privileges(&self) -> Result<Vec<&'static str>, sqlx::Error> {
        let mut missing = Vec::new();
        for (privilege, statement) in NEEDED {
            match sqlx::query(statement).fetch_all(&self.pool).await {
                Err(error) if is_denied(&error) => missing.push(privilege),
                planned => drop(planned?),
            }
        }
        Ok(missing)
    }

    /// What time the server has.
    ///
    /// # Errors
    ///
    /// When it cannot be asked.
    pub async fn now(&self) -> Result<DateTime<Utc>, sqlx::Error> {
        let micros: i64 =
            sqlx::query_scalar("SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))")
                .fetch_one(&self.pool)
                .await?;
        Ok(DateTime::from_timestamp_micros(micros).unwrap_or_default())
    }
}

fn is_denied(error: &sqlx::Error) -> bool {
    let database = error.as_database_error().and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>());
    database.is_some_and(|error| DENIED.contains(&error.number()))
}
