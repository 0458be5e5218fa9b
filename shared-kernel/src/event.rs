use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{AccountStatus, EventId, EventType, Locale, UserField, UserId};

/// One committed change of one user, with the CloudEvents attributes that travel beside its value.
#[derive(Debug, Clone, PartialEq)]
pub struct UserEvent {
    /// What travels in headers.
    pub metadata: EventMetadata,
    /// What travels as the value.
    pub change: UserChange,
}

/// The CloudEvents 1.0 attributes of an event, which travel as headers in binary mode
/// (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md>).
#[derive(Debug, Clone, PartialEq)]
pub struct EventMetadata {
    /// `ce_id`.
    pub id: EventId,
    /// `ce_type`.
    pub event_type: EventType,
    /// `ce_time`: when the change was made, by the clock of the service that made it.
    pub time: DateTime<Utc>,
    /// `ce_subject` and the record's key.
    pub subject: UserId,
    /// The W3C trace context of the request that made the change.
    pub traceparent: Option<String>,
}

/// The value of an event, in the shape that readers of Debezium's change events know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct UserChange {
    /// What was done to the row; absent for a request, which changes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<Op>,
    /// The row before the change; null for a new row.
    pub before: Option<UserSnapshot>,
    /// The row after the change, or as it is when a request is made; null for a deleted row.
    pub after: Option<UserSnapshot>,
    /// The columns that changed, by name, those included whose values never leave the database.
    /// Empty for a new and for a deleted row, and for a request.
    #[serde(default)]
    pub changed: Vec<UserField>,
    /// The row's version after the change (for a deletion: the one that its deletion would have made).
    /// It rises by one with every change that user-service makes; another program may leave it as it was, and a
    /// request has the version that it found.
    pub version: i64,
    /// Rises with every confirmation, change or cancelling of an address and change of password.
    pub security_version: i64,
    /// Where the change was captured.
    pub source: ChangeSource,
    /// When the relay took the change up, in milliseconds since the Unix epoch.
    #[serde(rename = "ts_ms")]
    pub ts_ms: i64,
}

impl UserChange {
    /// The row as it is now, or as it last was.
    pub fn current(&self) -> Option<&UserSnapshot> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

/// What was done to the row, by Debezium's letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Op {
    /// The row was inserted.
    #[serde(rename = "c")]
    Create,
    /// The row was updated.
    #[serde(rename = "u")]
    Update,
    /// The row was deleted.
    #[serde(rename = "d")]
    Delete,
}

/// The columns of a user that may leave the database: an allow-list, to which `password`,
/// `dateOfBirth` and `address` will never belong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct UserSnapshot {
    /// The user.
    pub id: UserId,
    /// The name that the user logs in by.
    pub username: String,
    /// The address in force.
    pub email: String,
    /// An address that waits for its confirmation.
    #[serde(default)]
    pub pending_email: Option<String>,
    /// The name to be addressed by.
    #[serde(default)]
    pub full_name: Option<String>,
    /// Whether the address in force was confirmed.
    pub status: AccountStatus,
    /// The language of mail.
    #[serde(default)]
    pub locale: Locale,
}

/// Where and how a change was captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangeSource {
    /// The program that captured it: `inf-user` for our own relay.
    pub connector: String,
    /// The way of capturing: `outbox`, or `users-table` for a row image from the binlog.
    pub capture: String,
    /// The database that holds the row.
    pub db: String,
    /// The table that holds the row.
    pub table: String,
    /// When the change was made, in milliseconds since the Unix epoch.
    pub ts_ms: i64,
    /// The transaction's GTID, where the capture knows it.
    #[serde(default)]
    pub gtid: Option<String>,
    /// The binlog file, where the capture knows it.
    #[serde(default)]
    pub file: Option<String>,
    /// The position in that file, where the capture knows it.
    #[serde(default)]
    pub pos: Option<u64>,
}

impl ChangeSource {
    /// A change that was read from the outbox table, made at `ts_ms` (milliseconds since the Unix epoch).
    pub fn outbox(ts_ms: i64) -> Self {
        Self {
            connector: "inf-user".to_owned(),
            capture: "outbox".to_owned(),
            db: "userdata".to_owned(),
            table: "users".to_owned(),
            ts_ms,
            gtid: None,
            file: None,
            pos: None,
        }
    }
}
