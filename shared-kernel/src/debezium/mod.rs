//! What a stock Debezium MySQL connector writes about the table `users`
//! (<https://debezium.io/documentation/reference/stable/connectors/mysql.html#mysql-events>), read as the event that
//! our own relay would have published.

mod envelope;
mod row;

use thiserror::Error;

use self::envelope::Envelope;
use self::row::Row;
use crate::{EventId, EventMetadata, EventType, Op, UserChange, UserEvent, WireRecord};

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
    match (envelope.op.as_str(), before, after) {
        ("r" | "t", ..) => Ok(None),
        ("c", None, Some(after)) => written(&envelope, None, &after),
        ("u", Some(before), Some(after)) => written(&envelope, Some(&before), &after),
        ("d", Some(before), None) => deleted(&envelope, &before).map(Some),
        ("c", ..) => Err(DebeziumError::Inconsistent("a new row has `after` alone")),
        ("u", ..) => Err(DebeziumError::Inconsistent("an update has `before` and `after`")),
        ("d", ..) => Err(DebeziumError::Inconsistent("a deletion has `before` alone")),
        _ => Err(DebeziumError::BadEnvelope),
    }
}

/// A row that was inserted, or updated. Whoever wrote it: user-service leaves a new `lastEventId` with each of its
/// changes, any other program leaves it as it was.
fn written(
    envelope: &Envelope,
    before: Option<&Row<'_>>,
    after: &Row<'_>,
) -> Result<Option<UserEvent>, DebeziumError> {
    let id_before = before.map(Row::last_event_id).transpose()?.flatten();
    let own_id = after.last_event_id()?.filter(|id| Some(*id) != id_before);
    let changed = before.map_or_else(Vec::new, |before| after.differences(before));
    if before.is_some() && own_id.is_none() && changed.is_empty() {
        return Ok(None);
    }
    let (old, new) = (before.map(Row::snapshot).transpose()?, after.snapshot()?);
    if old.as_ref().is_some_and(|old| old.id != new.id) {
        return Err(DebeziumError::Inconsistent("an update is of one user"));
    }
    let source = &envelope.source;
    // The lifetime of a link is counted from the change, by the clock of whoever made it.
    let (id, time) = match own_id {
        Some(id) => (id, after.last_updated().unwrap_or_else(|| source.committed_at())),
        None => (EventId::of_other_program(&source.place(), old.as_ref(), Some(&new)), source.committed_at()),
    };
    let (event_type, op) =
        if old.is_none() { (EventType::Registered, Op::Create) } else { (EventType::Updated, Op::Update) };
    Ok(Some(UserEvent {
        metadata: EventMetadata { id, event_type, time, subject: new.id, traceparent: None },
        change: UserChange {
            op: Some(op),
            before: old,
            after: Some(new),
            changed,
            version: after.number("version")?,
            security_version: after.number("securityVersion")?,
            source: source.as_captured(),
            ts_ms: envelope.ts_ms,
        },
    }))
}

fn deleted(envelope: &Envelope, before: &Row<'_>) -> Result<UserEvent, DebeziumError> {
    let (user, source) = (before.snapshot()?, &envelope.source);
    let last = before.last_event_id()?.unwrap_or_default();
    Ok(UserEvent {
        metadata: EventMetadata {
            id: EventId::of_deletion(user.id, last),
            event_type: EventType::Deleted,
            time: source.committed_at(),
            subject: user.id,
            traceparent: None,
        },
        change: UserChange {
            op: Some(Op::Delete),
            before: Some(user),
            after: None,
            changed: Vec::new(),
            version: before.number("version")?.saturating_add(1),
            security_version: before.number("securityVersion")?,
            source: source.as_captured(),
            ts_ms: envelope.ts_ms,
        },
    })
}
