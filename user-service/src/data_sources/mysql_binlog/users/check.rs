//! What is asked before a relay starts.

use mysql_async::prelude::Queryable as _;

use super::super::error::BinlogError;
use super::super::server::BinlogServer;
use super::identity::Identity;
use super::layouts::definition;
use super::position_store::PositionStore;
use crate::data_sources::MySqlDatabase;

const METADATA: &str = "SELECT @@GLOBAL.binlog_row_metadata";

/// Finds out whether the server is set up, lets this user do what is needed, and has what comes behind the stored
/// position.
pub(super) async fn check(server: &BinlogServer, database: &MySqlDatabase) -> Result<(), BinlogError> {
    server.check().await?;
    let mut connection = server.connect().await?;
    let identity = Identity::of(&mut connection).await?;
    if let Some(mut stored) = PositionStore::read(database).await? {
        identity.fit(&mut stored, &mut connection).await?;
    }
    let metadata: Option<String> = connection.query_first(METADATA).await.map_err(BinlogError::Connection)?;
    if metadata.as_deref() != Some("FULL") && definition("users", database).await?.is_empty() {
        return Err(BinlogError::NoColumns);
    }
    connection.disconnect().await.map_err(BinlogError::Connection)
}
