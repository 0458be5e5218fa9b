//! What an account may do, found out by asking for the plan of a statement: a server asks for the same privileges then,
//! and executes nothing.

use sqlx::mysql::MySqlDatabaseError;

use super::MySqlDatabase;

/// MySQL's and MariaDB's "access denied" to a table or a column.
const DENIED: [u16; 2] = [1142, 1143];

/// Privileges, and a statement for each.
type Needed = &'static [(&'static str, &'static str)];

const TO_SERVE: Needed = &[
    ("SELECT ON users", "EXPLAIN SELECT id FROM users"),
    ("INSERT ON users", "EXPLAIN INSERT INTO users () VALUES ()"),
    ("UPDATE ON users", "EXPLAIN UPDATE users SET version = version"),
    ("DELETE ON users", "EXPLAIN DELETE FROM users"),
    ("SELECT ON outbox", "EXPLAIN SELECT seq FROM outbox"),
    ("INSERT ON outbox", "EXPLAIN INSERT INTO outbox () VALUES ()"),
    ("SELECT ON sessions", "EXPLAIN SELECT * FROM sessions"),
    ("INSERT ON sessions", "EXPLAIN INSERT INTO sessions () VALUES ()"),
    ("UPDATE ON sessions", "EXPLAIN UPDATE sessions SET expiresAt = expiresAt"),
    ("DELETE ON sessions", "EXPLAIN DELETE FROM sessions"),
    ("SELECT ON idempotentAnswers", "EXPLAIN SELECT * FROM idempotentAnswers"),
    ("INSERT ON idempotentAnswers", "EXPLAIN INSERT INTO idempotentAnswers () VALUES ()"),
    ("DELETE ON idempotentAnswers", "EXPLAIN DELETE FROM idempotentAnswers"),
    ("SELECT ON passwordResetRequests", "EXPLAIN SELECT * FROM passwordResetRequests"),
    ("INSERT ON passwordResetRequests", "EXPLAIN INSERT INTO passwordResetRequests () VALUES ()"),
    ("DELETE ON passwordResetRequests", "EXPLAIN DELETE FROM passwordResetRequests"),
];

const TO_RELAY: Needed = &[
    ("SELECT ON outbox", "EXPLAIN SELECT seq FROM outbox"),
    ("DELETE ON outbox", "EXPLAIN DELETE FROM outbox"),
    ("SELECT ON deadOutbox", "EXPLAIN SELECT seq FROM deadOutbox"),
    ("INSERT ON deadOutbox", "EXPLAIN INSERT INTO deadOutbox () VALUES ()"),
];

impl MySqlDatabase {
    /// What the account may not do that a process which relays, or else one that serves, has to.
    ///
    /// # Errors
    ///
    /// When the server cannot be asked.
    pub async fn missing_privileges(&self, relays: bool) -> Result<Vec<&'static str>, sqlx::Error> {
        let mut missing = Vec::new();
        for (privilege, statement) in if relays { TO_RELAY } else { TO_SERVE } {
            match sqlx::query(*statement).fetch_all(self.readers()).await {
                Err(error) if is_denied(&error) => missing.push(*privilege),
                planned => drop(planned?),
            }
        }
        Ok(missing)
    }
}

fn is_denied(error: &sqlx::Error) -> bool {
    let database = error.as_database_error().and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>());
    database.is_some_and(|error| DENIED.contains(&error.number()))
}
