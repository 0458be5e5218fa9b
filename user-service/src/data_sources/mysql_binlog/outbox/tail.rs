//! The log from the marker on, read by a task of its own into a bounded channel.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use mysql_async::BinlogStream;
use mysql_async::Value;
use mysql_async::binlog::EventType;
use mysql_async::binlog::events::{Event, EventData, RowsEventData, TableMapEvent};
use mysql_async::binlog::row::BinlogRow;
use mysql_async::binlog::value::BinlogValue;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::super::error::BinlogError;
use super::super::log::{LONGEST_SILENCE, MARKER_WITHIN, checked};
use super::super::server::{BinlogServer, From};
use super::layout::{OutboxLayout, names_in_log};
use super::start::Start;
use crate::data_sources::MySqlDatabase;
use crate::repositories::CapturedChange;

/// How many changes are read ahead. With the batch in hand this is all that is kept in memory, however large a
/// transaction is: the server is not read from until there is room again.
const READ_AHEAD: usize = 1000;

const COLUMNS_OF_OUTBOX: &str = "SELECT COLUMN_NAME FROM information_schema.COLUMNS \
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'outbox' ORDER BY ORDINAL_POSITION";

/// Waits for a transaction that is in the log and not visible yet.
const IS_IN_OUTBOX: &str = "SELECT COUNT(*) FROM outbox WHERE seq = ? LOCK IN SHARE MODE";

/// What comes by the log, in its order. The last is an error, or the reader has panicked.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) changes: mpsc::Receiver<Result<CapturedChange, BinlogError>>,
    _task: AbortOnDropHandle<()>,
}

impl Tail {
    /// Begins to read behind the marker, when everything before it is swept.
    pub(super) fn begin(server: Arc<BinlogServer>, database: MySqlDatabase, start: Start) -> Self {
        let (sender, changes) = mpsc::channel(READ_AHEAD);
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            if let Err(error) = read(&server, database, start, &sender).await {
                // Nobody is there to hear it only when nobody wants to any more.
                let _gone = sender.send(Err(error)).await;
            }
        }));
        Self { changes, _task: task }
    }
}

/// Reads until something breaks, or nobody takes what is read.
async fn read(
    server: &BinlogServer,
    database: MySqlDatabase,
    start: Start,
    changes: &mpsc::Sender<Result<CapturedChange, BinlogError>>,
) -> Result<(), BinlogError> {
    let Start { connection, from, marker, swept_through } = start;
    let mut log = server.follow(connection, From::Position(&from.file, from.offset)).await?;
    find_marker(&mut log, &server.database, marker).await?;
    let mut outbox = Outbox { database, swept_through, layout: None };
    loop {
        let event = next_event(&mut log).await?;
        let Some((table, rows)) = inserts(&log, &event, &server.database, "outbox")? else { continue };
        for change in outbox.changes(table, &rows).await? {
            if changes.send(Ok(change)).await.is_err() {
                return Ok(());
            }
        }
    }
}

async fn find_marker(log: &mut BinlogStream, database: &str, marker: i64) -> Result<(), BinlogError> {
    let begun = Instant::now();
    while begun.elapsed() < MARKER_WITHIN {
        let event = next_event(log).await?;
        if let Some((table, rows)) = inserts(log, &event, database, "relayMarkers")? {
            for row in rows_of(table, &rows) {
                if matches!(row?.as_ref(0), Some(BinlogValue::Value(Value::Int(id))) if *id == marker) {
                    return Ok(());
                }
            }
        }
    }
    Err(BinlogError::NoMarker)
}

async fn next_event(log: &mut BinlogStream) -> Result<Event, BinlogError> {
    let next = timeout(LONGEST_SILENCE, log.try_next());
    let event = next.await.map_err(|_elapsed| BinlogError::TimedOut("say anything in its binary log"))?;
    checked(event)
}

/// What the event inserts into that table, if it does. MariaDB writes the first version of such events, MySQL the
/// second.
fn inserts<'a>(
    log: &'a BinlogStream,
    event: &'a Event,
    database: &str,
    table: &str,
) -> Result<Option<(&'a TableMapEvent<'static>, RowsEventData<'a>)>, BinlogError> {
    let (EventType::WRITE_ROWS_EVENT | EventType::WRITE_ROWS_EVENT_V1) =
        event.header().event_type().unwrap_or(EventType::UNKNOWN_EVENT)
    else {
        return Ok(None);
    };
    let Some(EventData::RowsEvent(rows)) = event.read_data().map_err(BinlogError::Event)? else {
        return Ok(None);
    };
    let of = log.get_tme(rows.table_id()).ok_or_else(|| {
        BinlogError::Event(std::io::Error::other("rows of a table that was not introduced"))
    })?;
    let named = of.database_name_raw() == database.as_bytes() && of.table_name_raw() == table.as_bytes();
    Ok(named.then_some((of, rows)))
}

fn rows_of<'a>(
    table: &'a TableMapEvent<'static>,
    rows: &'a RowsEventData<'_>,
) -> impl Iterator<Item = Result<BinlogRow, BinlogError>> {
    rows.rows(table)
        .filter_map(|row| row.map(|(_before, after)| after).map_err(BinlogError::Event).transpose())
}

/// Makes changes of the rows that the log brings.
struct Outbox {
    database: MySqlDatabase,
    swept_through: i64,
    layout: Option<OutboxLayout>,
}

impl Outbox {
    /// The changes that an event brings and the sweep has not.
    async fn changes(
        &mut self,
        table: &TableMapEvent<'static>,
        rows: &RowsEventData<'_>,
    ) -> Result<Vec<CapturedChange>, BinlogError> {
        let layout = self.layout(table).await?;
        let logged: Vec<_> =
            rows_of(table, rows).map(|row| layout.change(&row?)).collect::<Result<_, BinlogError>>()?;
        let mut changes = Vec::with_capacity(logged.len());
        for change in logged {
            if change.position > self.swept_through || self.is_left(change.position).await? {
                changes.push(change);
            }
        }
        Ok(changes)
    }

    /// Looks the names up whenever the definition may have changed.
    async fn layout(&mut self, table: &TableMapEvent<'static>) -> Result<&OutboxLayout, BinlogError> {
        let known = self.layout.take().filter(|known| known.table_id == table.table_id());
        let layout = match known {
            Some(known) => known,
            None => OutboxLayout::new(table, &self.names(table).await?)?,
        };
        Ok(self.layout.insert(layout))
    }

    async fn names(&self, table: &TableMapEvent<'static>) -> Result<Vec<String>, BinlogError> {
        match names_in_log(table) {
            Some(names) => Ok(names),
            None => sqlx::query_scalar(COLUMNS_OF_OUTBOX)
                .fetch_all(self.database.readers())
                .await
                .map_err(BinlogError::Database),
        }
    }

    /// Whether the row is in the table, where the sweep leaves none that it has returned.
    async fn is_left(&self, position: i64) -> Result<bool, BinlogError> {
        let count: i64 = sqlx::query_scalar(IS_IN_OUTBOX)
            .bind(position)
            .fetch_one(self.database.readers())
            .await
            .map_err(BinlogError::Database)?;
        Ok(count > 0)
    }
}
