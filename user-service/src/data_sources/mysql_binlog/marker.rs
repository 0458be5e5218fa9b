//! A row of the relay's own, to find in the log where its sweep of the outbox began.

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;

use super::error::BinlogError;
use crate::data_sources::MySqlDatabase;

const WRITE: &str = "INSERT INTO relayMarkers () VALUES ()";

const REMOVE_OLD: &str = "DELETE FROM relayMarkers WHERE id < ?";

const LAST_NUMBER: &str = "SELECT COALESCE(MAX(seq), 0) FROM outbox";

const ON_TABLE: &str = "SELECT, INSERT, DELETE ON relayMarkers";

/// Commits a marker, and returns its number.
pub(super) async fn write_marker(connection: &mut Conn) -> Result<i64, BinlogError> {
    connection.query_drop(WRITE).await.map_err(BinlogError::asking(ON_TABLE))?;
    let marker = connection.last_insert_id().and_then(|id| i64::try_from(id).ok()).unwrap_or_default();
    connection.exec_drop(REMOVE_OLD, (marker,)).await.map_err(BinlogError::asking(ON_TABLE))?;
    Ok(marker)
}

/// The greatest number in the outbox.
pub(super) async fn last_number(database: &MySqlDatabase) -> Result<i64, BinlogError> {
    sqlx::query_scalar(LAST_NUMBER).fetch_one(database.readers()).await.map_err(BinlogError::Database)
}
