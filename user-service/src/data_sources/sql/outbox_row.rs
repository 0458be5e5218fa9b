use chrono::{DateTime, Utc};
use shared_kernel::{EventId, EventMetadata, NewerEvent, Understood, UserEvent, UserId};
use uuid::Uuid;

use crate::repositories::{CapturedChange, Content};

/// A row of `outbox` as the driver returned it.
pub(in crate::data_sources) struct OutboxRow {
    pub(in crate::data_sources) id: Uuid,
    pub(in crate::data_sources) user_id: Uuid,
    pub(in crate::data_sources) event_type: String,
    pub(in crate::data_sources) occurred_at: DateTime<Utc>,
    pub(in crate::data_sources) payload: String,
    pub(in crate::data_sources) traceparent: Option<String>,
}

/// Reads a [`CapturedChange`] from a driver's row: an unreadable one where a column does not hold what it
/// should, so that it does not stand in the way of all those behind it. Evaluates to
/// `Result<CapturedChange, sqlx::Error>`.
macro_rules! captured_change {
    ($row:expr) => {{
        use sqlx::Row as _;
        let row = $row;
        row.try_get::<i64, _>("seq").map(|seq| {
            let read = || {
                Ok::<_, sqlx::Error>(crate::data_sources::sql::OutboxRow {
                    id: row.try_get("id")?,
                    user_id: row.try_get("userId")?,
                    event_type: row.try_get("eventType")?,
                    occurred_at: row.try_get("occurredAt")?,
                    payload: row.try_get("payload")?,
                    traceparent: row.try_get("traceparent")?,
                })
            };
            crate::data_sources::sql::captured(seq, read().map_err(|error| shared_kernel::in_words(&error)))
        })
    }};
}

pub(in crate::data_sources) use captured_change;

/// The `payload` column of an event.
pub(in crate::data_sources) fn encoded_payload(event: &UserEvent) -> String {
    serde_json::to_string(&event.change).expect("a user change has string keys and no failing serializer")
}

/// The row of that number, or why it cannot be read.
pub(in crate::data_sources) fn captured(position: i64, row: Result<OutboxRow, String>) -> CapturedChange {
    CapturedChange { position, content: row.and_then(read).unwrap_or_else(Content::Unreadable) }
}

fn read(row: OutboxRow) -> Result<Content, String> {
    let OutboxRow { id, user_id, event_type, occurred_at: time, payload, traceparent } = row;
    let (id, subject) = (EventId(id), UserId(user_id));
    Ok(match Understood::of(&event_type, &payload)? {
        Understood::Event(event_type, change) => {
            let metadata = EventMetadata { id, event_type, time, subject, traceparent };
            Content::Event(Box::new(UserEvent { metadata, change: *change }))
        }
        Understood::Newer { changes_a_row } => Content::Newer(Box::new(NewerEvent {
            id,
            type_name: event_type,
            time,
            subject,
            traceparent,
            payload,
            changes_a_row,
        })),
    })
}
