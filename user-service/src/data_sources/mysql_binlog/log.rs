//! What whoever reads the log asks of each event.

use std::time::Duration;

use mysql_async::binlog::EventType;
use mysql_async::binlog::events::{Event, TransactionPayloadEvent};

use super::error::BinlogError;

/// For so long a connection may be silent: five of the server's heartbeats.
pub(super) const LONGEST_SILENCE: Duration = Duration::from_secs(10);

/// So long after the beginning the marker must have come by.
pub(super) const MARKER_WITHIN: Duration = Duration::from_secs(30);

/// What has been read, if nothing is missing there.
pub(super) fn checked(read: Result<Option<Event>, mysql_async::Error>) -> Result<Event, BinlogError> {
    let event = read.map_err(BinlogError::reading)?.ok_or(BinlogError::Ended)?;
    match event.header().event_type() {
        Ok(EventType::INCIDENT_EVENT) => return Err(BinlogError::Incident),
        // A compressed transaction, whose events come next. The library would leave out in silence one that it cannot
        // read.
        Ok(EventType::TRANSACTION_PAYLOAD_EVENT) => {
            event.read_event::<TransactionPayloadEvent<'_>>().map_err(BinlogError::Event)?;
        }
        _ => {}
    }
    Ok(event)
}
