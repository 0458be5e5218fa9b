use std::sync::Arc;
use std::time::Duration;

use mysql_async::Conn;
use tokio::time::timeout;

use super::super::error::BinlogError;
use super::super::marker::{last_number, write_marker};
use super::super::position::Position;
use super::super::server::BinlogServer;
use crate::data_sources::MySqlDatabase;

const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Where a sweep of the outbox ends and the log takes over.
///
/// The position is noted first, then the marker is committed, and then the table is looked at. Servers make
/// transactions visible in the order of their log. So whatever is in the log before the marker is seen by a sweep that
/// begins now, also what the reported position was ahead of; and all else is in the log behind the marker.
#[derive(Debug)]
pub(super) struct Start {
    /// The connection on which the position was noted: whatever server it leads to, the position is of its log.
    pub(super) connection: Conn,
    pub(super) from: Position,
    /// The row of `relayMarkers`.
    pub(super) marker: i64,
    /// No row of the outbox that is in the log before the marker has a greater number. Some behind it may have smaller
    /// ones: those that the sweep comes upon, and those that commit late.
    pub(super) swept_through: i64,
}

impl Start {
    pub(super) async fn new(server: Arc<BinlogServer>, database: MySqlDatabase) -> Result<Self, BinlogError> {
        let mut connection = server.connect().await?;
        let noting = async {
            let from = Position::now(&mut connection, &server.database).await?;
            let marker = write_marker(&mut connection).await?;
            Ok((from, marker))
        };
        let (from, marker) =
            timeout(ANSWER_WITHIN, noting).await.unwrap_or(Err(BinlogError::TimedOut("write a marker")))?;
        let swept_through = last_number(&database).await?;
        Ok(Self { connection, from, marker, swept_through })
    }
}
