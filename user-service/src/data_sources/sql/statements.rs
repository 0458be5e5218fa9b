//! Statements on the accounts and the outbox that MySQL, MariaDB and SQLite all understand.

/// Every column of an account, in whichever rows the rest of the statement says.
macro_rules! select_users {
    ($rest:literal) => {
        concat!(
            "SELECT id, username, email, pendingEmail, password, fullName, dateOfBirth, address, status, locale, \
             role, version, securityVersion, passwordChangedAt, createdAt, lastUpdated, confirmationAskedAt, \
             lastEventId FROM users ",
            $rest
        )
    };
}

pub(in crate::data_sources) const SELECT_USER: &str = select_users!("WHERE id = ?");

#[cfg(feature = "mysql")]
pub(in crate::data_sources) const LOCK_USER: &str = select_users!("WHERE id = ? FOR UPDATE");

pub(in crate::data_sources) const USER_BY_USERNAME: &str = select_users!("WHERE usernameKey = LOWER(?)");

pub(in crate::data_sources) const USER_BY_EMAIL: &str = select_users!("WHERE emailKey = LOWER(?)");

/// To be followed by which of them.
pub(super) const SELECT_USERS: &str = select_users!("");

/// Null in a row that was there before this service: nobody was sent a link to confirm it by.
pub(in crate::data_sources) const UNCONFIRMED_USERS: &str = "SELECT id FROM users WHERE status = 'Unconfirmed' AND confirmationAskedAt < ? AND role <> 'admin' \
     ORDER BY confirmationAskedAt LIMIT ?";

pub(in crate::data_sources) const REHASH: &str = "UPDATE users SET password = ? WHERE id = ?";

/// The id comes last, so that [`super::bind_user`] serves both this and [`UPDATE_USER`].
pub(in crate::data_sources) const INSERT_USER: &str = "INSERT INTO users (username, email, pendingEmail, password, fullName, \
     dateOfBirth, address, status, locale, role, version, securityVersion, passwordChangedAt, createdAt, \
     lastUpdated, confirmationAskedAt, lastEventId, id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

pub(in crate::data_sources) const UPDATE_USER: &str = "UPDATE users SET username = ?, email = ?, pendingEmail = ?, password = ?, \
     fullName = ?, dateOfBirth = ?, address = ?, status = ?, locale = ?, role = ?, version = ?, \
     securityVersion = ?, passwordChangedAt = ?, createdAt = ?, lastUpdated = ?, confirmationAskedAt = ?, \
     lastEventId = ? WHERE id = ?";

pub(in crate::data_sources) const DELETE_USER: &str = "DELETE FROM users WHERE id = ?";

pub(in crate::data_sources) const SAME_USERNAME: &str =
    "SELECT COUNT(*) FROM users WHERE usernameKey = LOWER(?) AND id <> ?";

pub(in crate::data_sources) const SAME_EMAIL: &str =
    "SELECT COUNT(*) FROM users WHERE emailKey = LOWER(?) AND id <> ?";

pub(in crate::data_sources) const APPEND_OUTBOX: &str =
    "INSERT INTO outbox (id, userId, eventType, occurredAt, payload, traceparent) VALUES (?, ?, ?, ?, ?, ?)";

/// From the beginning each time, never from the last number seen: a row with a smaller number may be
/// committed later.
pub(in crate::data_sources) const OLDEST_OUTBOX: &str =
    "SELECT seq, id, userId, eventType, occurredAt, payload, traceparent FROM outbox ORDER BY seq LIMIT ?";

/// As [`OLDEST_OUTBOX`], up to a number.
#[cfg(feature = "mysql-binlog")]
pub(in crate::data_sources) const OLDEST_OUTBOX_THROUGH: &str = "SELECT seq, id, userId, eventType, occurredAt, payload, traceparent FROM outbox WHERE seq <= ? \
     ORDER BY seq LIMIT ?";

/// Those between two numbers, the second included.
#[cfg(feature = "mysql-binlog")]
pub(in crate::data_sources) const OUTBOX_BETWEEN: &str = "SELECT seq, id, userId, eventType, occurredAt, payload, traceparent FROM outbox WHERE seq > ? \
     AND seq <= ? ORDER BY seq LIMIT ?";

pub(in crate::data_sources) const OLDEST_NUMBER: &str = "SELECT MIN(seq) FROM outbox";

/// Takes how many are counted at most.
pub(in crate::data_sources) const COUNT_WAITING: &str =
    "SELECT COUNT(*) FROM (SELECT 1 FROM outbox LIMIT ?) AS waiting";

pub(in crate::data_sources) const OLDEST_TIME: &str = "SELECT occurredAt FROM outbox ORDER BY seq LIMIT 1";

pub(in crate::data_sources) const COUNT_DEAD: &str = "SELECT COUNT(*) FROM deadOutbox";

#[cfg(feature = "sqlite")]
pub(in crate::data_sources) const DELETE_OUTBOX: &str = "DELETE FROM outbox WHERE seq IN (";

pub(in crate::data_sources) const DELETE_ONE_OUTBOX: &str = "DELETE FROM outbox WHERE seq = ?";

pub(in crate::data_sources) const BURY_OUTBOX: &str = "INSERT INTO deadOutbox (seq, id, userId, eventType, occurredAt, payload, traceparent, reason) \
     SELECT seq, id, userId, eventType, occurredAt, payload, traceparent, ? FROM outbox WHERE seq = ?";

/// For a row that is in the binary log and may not be visible yet: it is waited for.
#[cfg(feature = "mysql-binlog")]
pub(in crate::data_sources) const BURY_LOCKED_OUTBOX: &str = "INSERT INTO deadOutbox (seq, id, userId, eventType, occurredAt, payload, traceparent, reason) \
     SELECT seq, id, userId, eventType, occurredAt, payload, traceparent, ? FROM outbox WHERE seq = ? FOR UPDATE";
