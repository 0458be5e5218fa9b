use chrono::{DateTime, Utc};
use shared_kernel::{EventId, EventMetadata, EventType, UserEvent, UserId};
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
    let content = match row.and_then(read) {
        Ok(event) => Content::Event(Box::new(event)),
        Err(reason) => Content::Unreadable(reason),
    };
    CapturedChange { position, content }
}

fn read(row: OutboxRow) -> Result<UserEvent, String> {
    let event_type = EventType::from_name(&row.event_type)
        .ok_or_else(|| format!("the event type {:?} is not known to this build", row.event_type))?;
    let change = serde_json::from_str(&row.payload)
        .map_err(|error| format!("the payload is not a user change: {error}"))?;
    Ok(UserEvent {
        metadata: EventMetadata {
            id: EventId(row.id),
            event_type,
            time: row.occurred_at,
            subject: UserId(row.user_id),
            traceparent: row.traceparent,
        },
        change,
    })
}
