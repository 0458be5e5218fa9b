use std::sync::Arc;
use std::time::Duration;

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use tokio::time::timeout;

use super::error::BinlogError;
use super::position::Position;
use super::server::BinlogServer;
use crate::data_sources::MySqlDatabase;

const WRITE_MARKER: &str = "INSERT INTO relayMarkers () VALUES ()";

const REMOVE_OLD_MARKERS: &str = "DELETE FROM relayMarkers WHERE id < ?";

const LAST_NUMBER: &str = "SELECT COALESCE(MAX(seq), 0) FROM outbox";

const ON_TABLE: &str = "SELECT, INSERT, DELETE ON relayMarkers";

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
            connection.query_drop(WRITE_MARKER).await.map_err(BinlogError::asking(ON_TABLE))?;
            let marker =
                connection.last_insert_id().and_then(|id| i64::try_from(id).ok()).unwrap_or_default();
            connection
                .exec_drop(REMOVE_OLD_MARKERS, (marker,))
                .await
                .map_err(BinlogError::asking(ON_TABLE))?;
            Ok((from, marker))
        };
        let (from, marker) =
            timeout(ANSWER_WITHIN, noting).await.unwrap_or(Err(BinlogError::TimedOut("write a marker")))?;
        let swept_through = sqlx::query_scalar(LAST_NUMBER)
            .fetch_one(database.readers())
            .await
            .map_err(BinlogError::Database)?;
        Ok(Self { connection, from, marker, swept_through })
    }
}
