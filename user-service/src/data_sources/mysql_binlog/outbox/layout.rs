//! Rows of `outbox` as the log has them.

use chrono::{DateTime, NaiveDate, Utc};
use mysql_async::Value;
use mysql_async::binlog::events::{OptionalMetadataField, TableMapEvent};
use mysql_async::binlog::row::BinlogRow;
use mysql_async::binlog::value::BinlogValue;
use mysql_async::consts::ColumnType;
use uuid::Uuid;

use super::super::error::BinlogError;
use crate::data_sources::sql::{OutboxRow, captured};
use crate::repositories::CapturedChange;

/// The columns and what the log calls their types.
const COLUMNS: [(&str, ColumnType); 7] = [
    ("seq", ColumnType::MYSQL_TYPE_LONGLONG),
    ("id", ColumnType::MYSQL_TYPE_STRING),
    ("userId", ColumnType::MYSQL_TYPE_STRING),
    ("eventType", ColumnType::MYSQL_TYPE_VARCHAR),
    ("occurredAt", ColumnType::MYSQL_TYPE_DATETIME2),
    ("payload", ColumnType::MYSQL_TYPE_BLOB),
    ("traceparent", ColumnType::MYSQL_TYPE_VARCHAR),
];

/// Where the columns of `outbox` are, for one version of its definition.
#[derive(Debug)]
pub(super) struct OutboxLayout {
    /// Another one after each change of the definition.
    pub(super) table_id: u64,
    places: [usize; COLUMNS.len()],
}

/// The names of a table's columns as the log tells them, which it does with `binlog_row_metadata=FULL` only.
pub(super) fn names_in_log(table: &TableMapEvent<'_>) -> Option<Vec<String>> {
    table.iter_optional_meta().find_map(|field| match field {
        Ok(OptionalMetadataField::ColumnName(names)) => {
            names.iter_names().map(|name| Some(name.ok()?.name().into_owned())).collect()
        }
        _ => None,
    })
}

impl OutboxLayout {
    /// Finds the columns by their names, and holds their number and types against the log, which may be of before or
    /// after a change of the table that the names do not know.
    pub(super) fn new(table: &TableMapEvent<'_>, names: &[String]) -> Result<Self, BinlogError> {
        if usize::try_from(table.columns_count()) != Ok(names.len()) {
            let (logged, known) = (table.columns_count(), names.len());
            return Err(BinlogError::Layout(format!("{logged} columns, and the table has {known}")));
        }
        let mut places = [0; COLUMNS.len()];
        for (place, (column, needed)) in places.iter_mut().zip(COLUMNS) {
            *place = names
                .iter()
                .position(|name| name == column)
                .ok_or_else(|| BinlogError::Layout(format!("there is no column {column}")))?;
            match table.get_raw_column_type(*place) {
                Ok(Some(found)) if found == needed => {}
                other => return Err(BinlogError::Layout(format!("the column {column} is {other:?}"))),
            }
        }
        Ok(Self { table_id: table.table_id(), places })
    }

    /// The change that is in that row: an unreadable one where a column does not hold what it should, so that it does
    /// not stand in the way of all those behind it.
    pub(super) fn change(&self, row: &BinlogRow) -> Result<CapturedChange, BinlogError> {
        let [seq, id, user_id, event_type, occurred_at, payload, traceparent] =
            self.places.map(|place| match row.as_ref(place) {
                Some(BinlogValue::Value(value)) => Some(value),
                _ => None,
            });
        let Some(Value::Int(seq)) = seq else {
            return Err(BinlogError::Layout(format!("the number of a row is {seq:?}")));
        };
        let read = || {
            Ok(OutboxRow {
                id: uuid(id).ok_or("the column id is not a UUID")?,
                user_id: uuid(user_id).ok_or("the column userId is not a UUID")?,
                event_type: text(event_type).ok_or("the column eventType is not text")?,
                occurred_at: moment(occurred_at).ok_or("the column occurredAt is not a moment")?,
                payload: text(payload).ok_or("the column payload is not text")?,
                traceparent: match traceparent {
                    Some(Value::NULL) => None,
                    other => Some(text(other).ok_or("the column traceparent is not text")?),
                },
            })
        };
        Ok(captured(*seq, read().map_err(str::to_owned)))
    }
}

/// The log leaves out the zeros at the end of a `BINARY`.
fn uuid(value: Option<&Value>) -> Option<Uuid> {
    let Some(Value::Bytes(logged)) = value else { return None };
    let mut bytes = [0; 16];
    bytes.get_mut(..logged.len())?.copy_from_slice(logged);
    Some(Uuid::from_bytes(bytes))
}

fn text(value: Option<&Value>) -> Option<String> {
    let Some(Value::Bytes(bytes)) = value else { return None };
    String::from_utf8(bytes.clone()).ok()
}

fn moment(value: Option<&Value>) -> Option<DateTime<Utc>> {
    let Some(&Value::Date(year, month, day, hour, minute, second, microseconds)) = value else { return None };
    let day = NaiveDate::from_ymd_opt(year.into(), month.into(), day.into())?;
    let time = day.and_hms_micro_opt(hour.into(), minute.into(), second.into(), microseconds)?;
    Some(time.and_utc())
}
