//! What a stock Debezium MySQL connector writes about the table `users`
//! (<https://debezium.io/documentation/reference/stable/connectors/mysql.html#mysql-events>), read as the event that
//! our own relay would have published.

mod envelope;
mod row;

use thiserror::Error;

use self::envelope::Envelope;
use crate::{BadRowChange, RowChange, UserEvent, WireRecord, event_of_row};

/// Why a record is not a change of a user by Debezium. Says nothing of what the record holds, which may be personal.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DebeziumError {
    /// The value is not JSON.
    #[error("the value is not JSON")]
    BadJson(#[source] serde_json::Error),
    /// The value has not the shape of a change event of Debezium's MySQL connector.
    #[error("the value has no `op` and `source` of its MySQL connector")]
    BadEnvelope,
    /// The change is of another table.
    #[error("the change is not of the table `users`")]
    OtherTable,
    /// A column that is needed is not in the row.
    #[error("the column {column} is not in `{image}`")]
    MissingColumn {
        /// Which image of the row.
        image: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A column does not hold what it must hold.
    #[error("the column {column} in `{image}` is not {expected}")]
    BadColumn {
        /// Which image of the row.
        image: &'static str,
        /// The column.
        column: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// The images of the row do not fit the operation.
    #[error("the change contradicts itself: {0}")]
    Inconsistent(&'static str),
}

/// Reads a change event of Debezium's, with or without the wrapper of `schema` and `payload`. The key is not looked at.
///
/// `None` for what tells of no change: a row that was read in a snapshot, a tombstone, a truncated table, and an update of
/// columns that cannot be seen by a program that left `lastEventId` as it was, such as a password hashed anew at a login.
///
/// # Errors
///
/// [`DebeziumError`] when it is nothing of Debezium's, or lacks a column that an event needs; the same record always will.
pub(crate) fn decode(record: &WireRecord) -> Result<Option<UserEvent>, DebeziumError> {
    if record.value.is_empty() {
        return Ok(None);
    }
    let Some(envelope) = Envelope::parse(&record.value)? else { return Ok(None) };
    let (before, after) = (envelope.before(), envelope.after());
    let change = match (envelope.op.as_str(), &before, &after) {
        ("r" | "t", ..) => return Ok(None),
        ("c", None, Some(after)) => RowChange::Inserted { after },
        ("u", Some(before), Some(after)) => RowChange::Updated { before, after },
        ("d", Some(before), None) => RowChange::Deleted { before },
        ("c", ..) => return Err(DebeziumError::Inconsistent("a new row has `after` alone")),
        ("u", ..) => return Err(DebeziumError::Inconsistent("an update has `before` and `after`")),
        ("d", ..) => return Err(DebeziumError::Inconsistent("a deletion has `before` alone")),
        _ => return Err(DebeziumError::BadEnvelope),
    };
    let source = &envelope.source;
    event_of_row(&change, &source.place(), || source.as_captured(), envelope.ts_ms).map_err(|bad| match bad {
        BadRowChange::Column(error) => error,
        BadRowChange::AnotherUser => DebeziumError::Inconsistent("an update is of one user"),
    })
}
