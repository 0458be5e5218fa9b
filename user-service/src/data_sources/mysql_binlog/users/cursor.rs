//! Where the reader is in the log: in which file, and in which transaction.

use std::mem;
use std::sync::Arc;

use mysql_async::binlog::events::{
    BinlogEventHeader, Event, FormatDescriptionEvent, GtidEvent, PreviousGtidsEvent, QueryEvent, RotateEvent,
};
use mysql_async::binlog::{BinlogChecksumAlg, EventType};
use shared_kernel::BinlogPlace;
use uuid::Uuid;

use super::super::error::BinlogError;
use super::gtid::{Gtid, Gtids, Source};
use super::place::{Passed, PassedGtids};

/// MariaDB's event that begins a transaction, which the library does not know
/// (<https://mariadb.com/kb/en/gtid_event/>).
const MARIADB_GTID_EVENT: u8 = 162;

/// In the flags of that event: what follows is a single statement, which nothing ends.
const STANDALONE: u8 = 1;

/// Where the reader is in the log.
#[derive(Debug)]
pub(super) struct Cursor {
    file: Arc<str>,
    /// Where the last event ends.
    end: u64,
    /// The event at hand begins here, or the compressed transaction that it is in.
    begin: u64,
    transaction: Option<Transaction>,
    /// The GTIDs of what comes before are not known, and are told where the next file begins.
    learns_gtids: bool,
    /// The form of the log's events has not been told yet.
    is_first_file: bool,
    /// The name of the first file as the server sent it.
    named: Vec<u8>,
}

/// The transaction that is being read.
#[derive(Debug)]
struct Transaction {
    gtid: Option<(Gtid, Arc<str>)>,
    /// When it was committed first, in milliseconds since the Unix epoch, where it says so itself.
    committed_ms: Option<i64>,
    /// More than a single statement.
    is_begun: bool,
    /// It is compressed: the event that it is in begins here and was written then (seconds since the Unix epoch).
    payload: Option<u32>,
    /// Those with rows of the captured tables so far.
    events: u64,
    is_progress: bool,
}

impl Transaction {
    fn new(gtid: Option<Gtid>, committed_ms: Option<i64>, is_begun: bool) -> Self {
        let gtid = gtid.map(|gtid| {
            let text = gtid.to_string().into();
            (gtid, text)
        });
        Self { gtid, committed_ms, is_begun, payload: None, events: 0, is_progress: true }
    }
}

impl Cursor {
    /// At that place of the log, between two transactions.
    pub(super) fn new(file: Arc<str>, offset: u64, learns_gtids: bool) -> Self {
        Self {
            file,
            end: offset,
            begin: offset,
            transaction: None,
            learns_gtids,
            is_first_file: true,
            named: Vec::new(),
        }
    }

    /// Takes up the next event. Returns what has come to its end, of which there may be two: a transaction that has
    /// no end of its own ends where the next one begins.
    pub(super) fn take_up(&mut self, event: &Event) -> Result<Option<Passed>, BinlogError> {
        let header = event.header();
        if header.event_type_raw() == EventType::HEARTBEAT_EVENT as u8 {
            return Ok(None);
        }
        self.move_on(&header);
        let bad = BinlogError::Event;
        if header.event_type_raw() == MARIADB_GTID_EVENT {
            let (gtid, is_standalone) = mariadb_gtid(&header, event.data())
                .ok_or_else(|| bad(std::io::Error::other("a transaction has no readable GTID")))?;
            let committed_ms = i64::from(header.timestamp()) * 1000;
            return Ok(self.begin(Transaction::new(Some(gtid), Some(committed_ms), !is_standalone)));
        }
        match header.event_type().unwrap_or(EventType::UNKNOWN_EVENT) {
            EventType::ROTATE_EVENT => {
                let rotate: RotateEvent<'_> = event.read_event().map_err(bad)?;
                self.file = rotate.name().into();
                if self.is_first_file {
                    self.named = rotate.name_raw().to_vec();
                }
                (self.begin, self.end) = (rotate.position(), rotate.position());
                // One that is not in the file only tells where the server begins to read.
                Ok((!is_artificial(&header)).then(|| self.passed(PassedGtids::None, true)))
            }
            EventType::FORMAT_DESCRIPTION_EVENT if mem::take(&mut self.is_first_file) => {
                let read: FormatDescriptionEvent<'_> = event.read_event().map_err(bad)?;
                let has_checksums = event.footer().get_checksum_alg()
                    == Ok(Some(BinlogChecksumAlg::BINLOG_CHECKSUM_ALG_CRC32));
                // The event that names the first file has a checksum on MariaDB, and whoever reads it cannot know.
                if has_checksums && read.server_version().contains("MariaDB") {
                    let name = self.named.get(..self.named.len().saturating_sub(4)).unwrap_or_default();
                    self.file = String::from_utf8_lossy(name).into();
                }
                Ok(None)
            }
            EventType::GTID_EVENT | EventType::GTID_TAGGED_LOG_EVENT => {
                let read: GtidEvent = event.read_event().map_err(bad)?;
                let source = Source {
                    server: Uuid::from_bytes(read.sid()),
                    tag: read.tag().map(|tag| tag.as_str().to_owned()).unwrap_or_default(),
                };
                let committed_ms = match i64::try_from(read.original_commit_timestamp()) {
                    Ok(micros @ 1..) => micros / 1000,
                    _ => i64::from(header.timestamp()) * 1000,
                };
                let gtid = Gtid::MySql { source, number: read.gno() };
                Ok(self.begin(Transaction::new(Some(gtid), Some(committed_ms), false)))
            }
            EventType::PREVIOUS_GTIDS_EVENT if mem::take(&mut self.learns_gtids) => {
                let read: PreviousGtidsEvent<'_> = event.read_event().map_err(bad)?;
                Ok(Some(self.passed(PassedGtids::All(Gtids::of_sids(read.sids())), true)))
            }
            EventType::ANONYMOUS_GTID_EVENT => Ok(self.begin(Transaction::new(None, None, false))),
            EventType::TRANSACTION_PAYLOAD_EVENT => {
                let transaction = self.transaction.get_or_insert_with(|| Transaction::new(None, None, true));
                transaction.payload = Some(header.timestamp());
                Ok(None)
            }
            EventType::QUERY_EVENT => {
                let query: QueryEvent<'_> = event.read_event().map_err(bad)?;
                Ok(self.statement(query.query_raw()))
            }
            EventType::XID_EVENT | EventType::XA_PREPARE_LOG_EVENT => Ok(self.over()),
            _ => Ok(None),
        }
    }

    /// Within a compressed transaction, events have no place of their own.
    fn move_on(&mut self, header: &BinlogEventHeader) {
        let is_inside = self.transaction.as_ref().is_some_and(|transaction| transaction.payload.is_some());
        if is_inside || header.log_pos() == 0 || is_artificial(header) {
            return;
        }
        // 32 bits, of files that may be larger.
        let mut end = self.end & !u64::from(u32::MAX) | u64::from(header.log_pos());
        if end < self.end {
            end += 1 << 32;
        }
        self.begin = end.saturating_sub(header.event_size().into());
        self.end = end;
    }

    fn begin(&mut self, next: Transaction) -> Option<Passed> {
        let unended = self.transaction.take();
        let passed =
            unended.map(|transaction| Passed { offset: self.begin, ..self.passed_with(transaction) });
        self.transaction = Some(next);
        passed
    }

    fn statement(&mut self, sql: &[u8]) -> Option<Passed> {
        let is = |words: &str| {
            sql.len() >= words.len() && sql[..words.len()].eq_ignore_ascii_case(words.as_bytes())
        };
        let transaction = self.transaction.get_or_insert_with(|| Transaction::new(None, None, false));
        if is("BEGIN") || is("XA START") {
            transaction.is_begun = true;
            return None;
        }
        let ends = is("COMMIT") || is("ROLLBACK") && !is("ROLLBACK TO");
        (ends || !transaction.is_begun).then(|| self.over()).flatten()
    }

    fn over(&mut self) -> Option<Passed> {
        let transaction = self.transaction.take()?;
        Some(self.passed_with(transaction))
    }

    fn passed_with(&self, transaction: Transaction) -> Passed {
        let gtids = transaction.gtid.map_or(PassedGtids::None, |(gtid, _text)| PassedGtids::One(gtid));
        self.passed(gtids, transaction.is_progress)
    }

    fn passed(&self, gtids: PassedGtids, is_progress: bool) -> Passed {
        Passed { gtids, file: Arc::clone(&self.file), offset: self.end, is_progress }
    }

    /// The transaction is only what a relay writes down about its place, unless there is more to it.
    pub(super) fn writes_down_a_place(&mut self) {
        if let Some(transaction) = &mut self.transaction
            && transaction.events == 0
        {
            transaction.is_progress = false;
        }
    }

    /// One more event with rows of a captured table; how many of them the transaction has before it.
    pub(super) fn count_event(&mut self) -> u64 {
        let transaction = self.transaction.get_or_insert_with(|| Transaction::new(None, None, true));
        transaction.events += 1;
        transaction.is_progress = true;
        transaction.events - 1
    }

    /// The GTID of the transaction, where it has one.
    pub(super) fn gtid(&self) -> Option<Arc<str>> {
        let (_gtid, text) = self.transaction.as_ref()?.gtid.as_ref()?;
        Some(Arc::clone(text))
    }

    /// Where the next event begins.
    pub(super) fn end(&self) -> (&str, u64) {
        (&self.file, self.end)
    }

    /// Where a row of the event of that header stands, as Debezium tells it: without a GTID, by the time at which the
    /// event was written.
    pub(super) fn place<'a>(
        &'a self,
        header: &BinlogEventHeader,
        gtid: Option<&'a str>,
        row: u64,
    ) -> BinlogPlace<'a> {
        let transaction = self.transaction.as_ref();
        let written = || {
            let payload = transaction.and_then(|transaction| transaction.payload);
            i64::from(payload.unwrap_or(header.timestamp())) * 1000
        };
        BinlogPlace {
            gtid,
            server_id: header.server_id().into(),
            file: &self.file,
            pos: self.begin,
            row,
            committed_ms: transaction
                .and_then(|transaction| transaction.committed_ms)
                .unwrap_or_else(written),
        }
    }
}

/// Made up for the reader, and not in the file
/// (<https://dev.mysql.com/doc/dev/mysql-server/latest/group__group__cs__binglog__event__header__flags.html>).
fn is_artificial(header: &BinlogEventHeader) -> bool {
    header.flags_raw() & 0x20 != 0
}

/// The GTID, and whether a single statement follows.
fn mariadb_gtid(header: &BinlogEventHeader, data: &[u8]) -> Option<(Gtid, bool)> {
    let sequence = u64::from_le_bytes(data.get(..8)?.try_into().ok()?);
    let domain = u32::from_le_bytes(data.get(8..12)?.try_into().ok()?);
    let flags = *data.get(12)?;
    Some((Gtid::MariaDb { domain, server: header.server_id(), sequence }, flags & STANDALONE != 0))
}
