//! The log from a place on, read by a task of its own into a bounded channel.

use std::mem;
use std::sync::Arc;

use futures_util::{FutureExt as _, TryStreamExt as _};
use mysql_async::binlog::EventType;
use mysql_async::binlog::events::{BinlogEventHeader, Event, EventData, RowsEventData, TableMapEvent};
use mysql_async::binlog::value::BinlogValue;
use mysql_async::{BinlogStream, Conn, Value};
use shared_kernel::EventType as UserEventType;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::super::error::BinlogError;
use super::super::log::{LONGEST_SILENCE, MARKER_WITHIN, checked};
use super::super::server::{BinlogServer, From, LARGEST_PACKET};
use super::cursor::Cursor;
use super::entry::{Entry, Origin, RowPlace};
use super::gtid::Gtids;
use super::layouts::TableLayout;
use super::outbox_row::{self, Logged, LoggedOutbox, outbox_layout};
use super::place::{Passed, Place, Within};
use super::user_change::{change, unreadable};
use super::user_row::{self, users_layout};
use crate::data_sources::MySqlDatabase;

/// How many entries are handed over at once, at most.
const BATCH: usize = 128;

/// How many batches are read ahead. With what the feed holds this is all that is kept in memory, however large a
/// transaction is: the server is not read from until there is room again.
const READ_AHEAD: usize = 8;

/// What is kept as the type of an event that cannot be told.
const UNKNOWN: &str = "unknown";

/// What comes by the log, in its order. The last is an error, or the reader has panicked.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) entries: mpsc::Receiver<Result<Vec<Entry>, BinlogError>>,
    _task: AbortOnDropHandle<()>,
}

/// What is to be read.
pub(super) struct Reading {
    pub(super) server: Arc<BinlogServer>,
    pub(super) connection: Conn,
    pub(super) database: MySqlDatabase,
    pub(super) from: Place,
    /// The row of `relayMarkers` behind which the changes begin.
    pub(super) marker: Option<i64>,
    /// Whether the GTIDs before `from` are not known, and are told in the next file.
    pub(super) learns_gtids: bool,
}

impl Tail {
    /// Begins to read.
    pub(super) fn begin(reading: Reading) -> Self {
        let (sender, entries) = mpsc::channel(READ_AHEAD);
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            if let Err(error) = read(reading, &sender).await {
                // Nobody is there to hear it only when nobody wants to any more.
                let _gone = sender.send(Err(error)).await;
            }
        }));
        Self { entries, _task: task }
    }
}

/// Reads until something breaks, or nobody takes what is read.
async fn read(reading: Reading, sender: &Sender) -> Result<(), BinlogError> {
    let Reading { server, connection, database, from, marker, learns_gtids } = reading;
    let place = from.to_string();
    let begin = match &from.gtids {
        Some(gtids @ Gtids::MySql(_)) => From::MySqlGtids(gtids.as_sids()),
        Some(gtids @ Gtids::MariaDb(_)) => From::MariaDbGtids(gtids.to_string()),
        None => From::Position(&from.file, from.offset),
    };
    let mut log = server.follow(connection, begin).await?;
    let mut reader = Reader {
        users: TableLayout::of("users", users_layout, &database).await?,
        outbox: TableLayout::of("outbox", outbox_layout, &database).await?,
        cursor: Cursor::new(from.file, from.offset, learns_gtids),
        database,
        name: server.database.as_str().into(),
        skipped: marker.map(|marker| Skipped {
            marker,
            since: Instant::now(),
            passed: None,
            is_found: false,
        }),
        done: from.within,
        is_large: false,
        batch: Vec::with_capacity(BATCH),
    };
    // Whether there is anything behind the place, the server says first.
    let first = next(&mut log).await.map_err(|error| error.at_start(&place))?;
    let mut goes_on = reader.take_up(&log, &first, sender).await?;
    while goes_on {
        let event = match log.try_next().now_or_never() {
            Some(next) => checked(next),
            // Nothing is held back while there is nothing to read.
            None if reader.hand_over(sender).await => next(&mut log).await,
            None => break,
        };
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                reader.hand_over(sender).await;
                let (file, offset) = reader.cursor.end();
                return Err(error.with_place(file, offset));
            }
        };
        reader.is_large |=
            usize::try_from(event.header().event_size()).is_ok_and(|size| size > LARGEST_PACKET);
        goes_on = reader.take_up(&log, &event, sender).await?;
    }
    Ok(())
}

async fn next(log: &mut BinlogStream) -> Result<Event, BinlogError> {
    let next = timeout(LONGEST_SILENCE, log.try_next()).await;
    checked(next.map_err(|_elapsed| BinlogError::TimedOut("say anything in its binary log"))?)
}

struct Reader {
    database: MySqlDatabase,
    name: Arc<str>,
    users: TableLayout<{ user_row::COUNT }>,
    outbox: TableLayout<{ outbox_row::COUNT }>,
    cursor: Cursor,
    /// What comes before the marker, until it comes.
    skipped: Option<Skipped>,
    /// What is done already of the transaction that comes first.
    done: Option<Within>,
    /// An event of this transaction was larger than what is ordinarily read, and the connection lets such pass.
    is_large: bool,
    batch: Vec<Entry>,
}

struct Skipped {
    marker: i64,
    since: Instant,
    passed: Option<Passed>,
    is_found: bool,
}

type Sender = mpsc::Sender<Result<Vec<Entry>, BinlogError>>;

impl Reader {
    /// Whether somebody took it.
    async fn hand_over(&mut self, sender: &Sender) -> bool {
        if self.batch.is_empty() {
            return true;
        }
        let batch = mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        sender.send(Ok(batch)).await.is_ok()
    }

    async fn push(&mut self, entry: Entry, sender: &Sender) -> bool {
        self.batch.push(entry);
        self.batch.len() < BATCH || self.hand_over(sender).await
    }

    /// Whether somebody takes what is read.
    async fn take_up(
        &mut self,
        log: &BinlogStream,
        event: &Event,
        sender: &Sender,
    ) -> Result<bool, BinlogError> {
        if let Some(passed) = self.cursor.take_up(event)? {
            let goes_on = self.pass(passed, sender).await;
            if self.is_large && goes_on && self.hand_over(sender).await {
                return Err(BinlogError::BehindLargeEvent);
            }
            return Ok(goes_on);
        }
        let Some((table, rows)) = rows_of(log, event, self.name.as_bytes())? else { return Ok(true) };
        if let Some(skipped) = &mut self.skipped {
            if table.table_name_raw() == b"relayMarkers" && is_write(event) {
                skipped.is_found |= has_marker(table, &rows, skipped.marker)?;
            }
            return if skipped.since.elapsed() < MARKER_WITHIN {
                Ok(true)
            } else {
                Err(BinlogError::NoMarker)
            };
        }
        match table.table_name_raw() {
            b"users" => self.users_rows(table, &rows, event.header(), sender).await,
            b"outbox" if is_write(event) => self.outbox_rows(table, &rows, event.header(), sender).await,
            b"relayPosition" => {
                self.cursor.writes_down_a_place();
                Ok(true)
            }
            _ => Ok(true),
        }
    }

    async fn pass(&mut self, passed: Passed, sender: &Sender) -> bool {
        // It is the first that comes, if it is of any.
        self.done = self.done.take().filter(|done| done.gtid.is_some());
        let Some(skipped) = &mut self.skipped else {
            return self.push(Entry::Passed(passed), sender).await;
        };
        match &mut skipped.passed {
            Some(all) => all.extend(passed),
            none => *none = Some(passed),
        }
        if !skipped.is_found {
            return true;
        }
        let all = self.skipped.take().and_then(|skipped| skipped.passed);
        match all {
            Some(all) => self.push(Entry::Passed(all), sender).await,
            None => true,
        }
    }

    /// Where the rows of the next event of a captured table stand; `None` when they are done already.
    fn next_event(&mut self) -> Option<RowPlace> {
        let at = RowPlace { gtid: self.cursor.gtid(), events: self.cursor.count_event() };
        match &self.done {
            Some(done) if done.gtid == at.gtid && at.events < done.events => None,
            _ => Some(at),
        }
    }

    async fn users_rows(
        &mut self,
        table: &TableMapEvent<'static>,
        rows: &RowsEventData<'_>,
        header: BinlogEventHeader,
        sender: &Sender,
    ) -> Result<bool, BinlogError> {
        let layout = self.users.introduced(table, &self.database).await?;
        let Some(at) = self.next_event() else { return Ok(true) };
        let name = Arc::clone(&self.name);
        let entry = |(content, origin)| Entry::Change { content, origin, at: Some(at.clone()) };
        let layout = match layout {
            Ok(layout) => layout,
            Err(problem) => {
                let place = self.cursor.place(&header, at.gtid.as_deref(), 0);
                let bad = unreadable(&place, None, UserEventType::Updated.as_str(), problem.to_string());
                return Ok(self.push(entry(bad), sender).await);
            }
        };
        for (number, row) in (0..).zip(layout.rows(rows)) {
            let place = self.cursor.place(&header, at.gtid.as_deref(), number);
            if let Some(change) = change(row.ok(), &place, &name)
                && !self.push(entry(change), sender).await
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn outbox_rows(
        &mut self,
        table: &TableMapEvent<'static>,
        rows: &RowsEventData<'_>,
        header: BinlogEventHeader,
        sender: &Sender,
    ) -> Result<bool, BinlogError> {
        let layout = self.outbox.introduced(table, &self.database).await?;
        let Some(at) = self.next_event() else { return Ok(true) };
        let bad = |problem: &str, cursor: &Cursor| {
            let place = cursor.place(&header, at.gtid.as_deref(), 0);
            let (content, origin) = unreadable(&place, None, UNKNOWN, problem.to_owned());
            Entry::Change { content, origin, at: Some(at.clone()) }
        };
        let layout = match layout {
            Ok(layout) => layout,
            Err(problem) => {
                let entry = bad(&problem, &self.cursor);
                return Ok(self.push(entry, sender).await);
            }
        };
        for row in layout.rows(rows) {
            let row = row.ok().and_then(|(_before, after)| after).map(LoggedOutbox);
            let entry = match row.and_then(|row| Some((row.seq()?, row))) {
                Some((seq, row)) => match row.read(seq) {
                    Logged::Said(id) => Entry::Said { row: (seq, id), at: at.clone() },
                    Logged::Change(content) => {
                        Entry::Change { content, origin: Origin::Outbox { seq }, at: Some(at.clone()) }
                    }
                },
                None => bad("a row of the table outbox is not as it was introduced", &self.cursor),
            };
            if !self.push(entry, sender).await {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The rows that the event brings, if it does, of a table of that database.
fn rows_of<'a>(
    log: &'a BinlogStream,
    event: &'a Event,
    database: &[u8],
) -> Result<Option<(&'a TableMapEvent<'static>, RowsEventData<'a>)>, BinlogError> {
    use EventType::*;
    let (WRITE_ROWS_EVENT
    | UPDATE_ROWS_EVENT
    | DELETE_ROWS_EVENT
    | PARTIAL_UPDATE_ROWS_EVENT
    | WRITE_ROWS_EVENT_V1
    | UPDATE_ROWS_EVENT_V1
    | DELETE_ROWS_EVENT_V1) = event.header().event_type().unwrap_or(UNKNOWN_EVENT)
    else {
        return Ok(None);
    };
    let Some(EventData::RowsEvent(rows)) = event.read_data().map_err(BinlogError::Event)? else {
        return Ok(None);
    };
    let table = log.get_tme(rows.table_id()).ok_or_else(|| {
        BinlogError::Event(std::io::Error::other("rows of a table that was not introduced"))
    })?;
    Ok((table.database_name_raw() == database).then_some((table, rows)))
}

fn is_write(event: &Event) -> bool {
    let kind = event.header().event_type();
    matches!(kind, Ok(EventType::WRITE_ROWS_EVENT | EventType::WRITE_ROWS_EVENT_V1))
}

fn has_marker(
    table: &TableMapEvent<'static>,
    rows: &RowsEventData<'_>,
    marker: i64,
) -> Result<bool, BinlogError> {
    for row in rows.rows(table) {
        let (_before, after) = row.map_err(BinlogError::Event)?;
        if after.is_some_and(
            |row| matches!(row.as_ref(0), Some(BinlogValue::Value(Value::Int(id))) if *id == marker),
        ) {
            return Ok(true);
        }
    }
    Ok(false)
}
