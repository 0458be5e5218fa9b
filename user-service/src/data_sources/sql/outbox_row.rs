use chrono::{DateTime, Utc};
use shared_kernel::{EventId, EventMetadata, EventType, UserEvent, UserId};
use uuid::Uuid;

use crate::repositories::{CapturedChange, Content};

/// A row of `outbox` as the driver returned it.
pub(in crate::data_sources) struct OutboxRow {
    pub(in crate::data_sources) seq: i64,
    pub(in crate::data_sources) id: Uuid,
    pub(in crate::data_sources) user_id: Uuid,
    pub(in crate::data_sources) event_type: String,
    pub(in crate::data_sources) occurred_at: DateTime<Utc>,
    pub(in crate::data_sources) payload: String,
    pub(in crate::data_sources) traceparent: Option<String>,
}

/// Reads an [`OutboxRow`] from a driver's row. Evaluates to `Result<OutboxRow, sqlx::Error>`.
macro_rules! outbox_row {
    ($row:expr) => {{
        use sqlx::Row as _;
        let row = $row;
        (|| {
            Ok::<_, sqlx::Error>(crate::data_sources::sql::OutboxRow {
                seq: row.try_get("seq")?,
                id: row.try_get("id")?,
                user_id: row.try_get("userId")?,
                event_type: row.try_get("eventType")?,
                occurred_at: row.try_get("occurredAt")?,
                payload: row.try_get("payload")?,
                traceparent: row.try_get("traceparent")?,
            })
        })()
    }};
}

pub(in crate::data_sources) use outbox_row;

/// The `payload` column of an event.
pub(in crate::data_sources) fn encoded_payload(event: &UserEvent) -> String {
    serde_json::to_string(&event.change).expect("a user change has string keys and no failing serializer")
}

impl From<OutboxRow> for CapturedChange {
    fn from(row: OutboxRow) -> Self {
        let position = row.seq;
        let content = match read(row) {
            Ok(event) => Content::Event(Box::new(event)),
            Err(reason) => Content::Unreadable(reason),
        };
        Self { position, content }
    }
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
