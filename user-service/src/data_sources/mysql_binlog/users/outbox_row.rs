//! Rows of `outbox` as the log has them.

use chrono::{DateTime, Utc};
use mysql_async::binlog::events::TableMapEvent;
use mysql_async::consts::ColumnType;
use shared_kernel::{EventId, EventType};
use uuid::Uuid;

use super::super::row_image::{Cell, ColumnDefinition, Image, Layout, uuid};
use crate::data_sources::sql::{OutboxRow, captured};
use crate::repositories::Content;

const COLUMNS: [(&str, ColumnType); COUNT] = [
    ("seq", ColumnType::MYSQL_TYPE_LONGLONG),
    ("id", ColumnType::MYSQL_TYPE_STRING),
    ("userId", ColumnType::MYSQL_TYPE_STRING),
    ("eventType", ColumnType::MYSQL_TYPE_VARCHAR),
    ("occurredAt", ColumnType::MYSQL_TYPE_DATETIME2),
    ("payload", ColumnType::MYSQL_TYPE_BLOB),
    ("traceparent", ColumnType::MYSQL_TYPE_VARCHAR),
];

pub(super) const COUNT: usize = 7;

/// Finds the columns of `outbox`, and holds their types against the log.
pub(super) fn outbox_layout(
    table: &TableMapEvent<'_>,
    definition: Vec<ColumnDefinition>,
) -> Result<Layout<COUNT>, String> {
    let layout = Layout::new(table, definition, COLUMNS.map(|(name, _kind)| name))?;
    for (place, (name, needed)) in COLUMNS.into_iter().enumerate() {
        match layout.kind(place) {
            Some(found) if found == needed => {}
            Some(found) => return Err(format!("the column {name} is {found:?}")),
            None => return Err(format!("there is no column {name}")),
        }
    }
    Ok(layout)
}

/// What a row of the outbox is to those who see the rows of `users`.
pub(super) enum Logged {
    /// Something that no row of `users` says.
    Change(Content),
    /// A row of `users` says it as well: the event of that id.
    Said(EventId),
}

/// A row that was inserted.
pub(super) struct LoggedOutbox<'a>(pub(super) Image<'a, COUNT>);

impl<'a> LoggedOutbox<'a> {
    /// The row's number.
    pub(super) fn seq(&self) -> Option<i64> {
        Some(i64::from_le_bytes(self.bytes(0)?.try_into().ok()?))
    }

    pub(super) fn read(&self, seq: i64) -> Logged {
        let kind = self.bytes(3).and_then(|name| EventType::from_name(std::str::from_utf8(name).ok()?));
        if let (Some(EventType::Registered | EventType::Updated | EventType::Deleted), Some(id)) =
            (kind, self.uuid(1))
        {
            return Logged::Said(EventId(id));
        }
        match captured(seq, self.row().map_err(str::to_owned)).content {
            // What a newer user-service says of it, the row of users says in its own way.
            Content::Newer(event) if event.changes_a_row => Logged::Said(event.id),
            content => Logged::Change(content),
        }
    }

    fn row(&self) -> Result<OutboxRow, &'static str> {
        Ok(OutboxRow {
            id: self.uuid(1).ok_or("the column id is not a UUID")?,
            user_id: self.uuid(2).ok_or("the column userId is not a UUID")?,
            event_type: self.text(3).ok_or("the column eventType is not text")?,
            occurred_at: self.moment(4).ok_or("the column occurredAt is not a moment")?,
            payload: self.text(5).ok_or("the column payload is not text")?,
            traceparent: match self.0.cells[6] {
                Cell::Null => None,
                _ => Some(self.text(6).ok_or("the column traceparent is not text")?),
            },
        })
    }

    fn bytes(&self, column: usize) -> Option<&'a [u8]> {
        match self.0.cells[column] {
            Cell::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn text(&self, column: usize) -> Option<String> {
        std::str::from_utf8(self.bytes(column)?).ok().map(str::to_owned)
    }

    fn uuid(&self, column: usize) -> Option<Uuid> {
        uuid(self.bytes(column)?)
    }

    fn moment(&self, column: usize) -> Option<DateTime<Utc>> {
        self.0.layout.moment(column, self.bytes(column)?)
    }
}
