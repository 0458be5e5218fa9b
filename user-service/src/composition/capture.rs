//! How the relay comes to know of changes.

use std::sync::Arc;

use super::StartError;
use super::database::Database;
use crate::config::{Capture, DatabaseUrl, RelayConfig};
use crate::data_sources::RequestsOnlyChangeFeed;
use crate::repositories::ChangeFeed;

/// The feed that the settings ask for. What it needs of the server is checked now, and not when the relay has started.
pub(super) async fn change_feed(
    database: &Database,
    url: &DatabaseUrl,
    relay: &RelayConfig,
) -> Result<Arc<dyn ChangeFeed>, StartError> {
    match relay.capture.unwrap_or_else(|| default_for(url)) {
        Capture::OutboxPolled => Ok(polled(database, relay)),
        Capture::OutboxBinlog => binlog(database, url, relay).await,
        Capture::OutboxRequests => {
            let all = match default_for(url) {
                Capture::OutboxBinlog => binlog(database, url, relay).await?,
                _ => polled(database, relay),
            };
            Ok(Arc::new(RequestsOnlyChangeFeed::new(all)))
        }
    }
}

fn default_for(url: &DatabaseUrl) -> Capture {
    match url {
        DatabaseUrl::MySql(_) if cfg!(feature = "mysql-binlog") => Capture::OutboxBinlog,
        DatabaseUrl::MySql(_) | DatabaseUrl::Sqlite(_) => Capture::OutboxPolled,
    }
}

fn polled(database: &Database, relay: &RelayConfig) -> Arc<dyn ChangeFeed> {
    match database {
        #[cfg(feature = "mysql")]
        Database::MySql(database) => {
            Arc::new(crate::data_sources::MySqlOutboxChangeFeed::new(database.clone(), relay.poll_interval))
        }
        #[cfg(feature = "sqlite")]
        Database::Sqlite(database) => {
            Arc::new(crate::data_sources::SqliteOutboxChangeFeed::new(database.clone(), relay.poll_interval))
        }
    }
}

#[cfg(feature = "mysql-binlog")]
async fn binlog(
    database: &Database,
    url: &DatabaseUrl,
    relay: &RelayConfig,
) -> Result<Arc<dyn ChangeFeed>, StartError> {
    use super::unusable;
    use secrecy::ExposeSecret as _;
    let (Database::MySql(database), DatabaseUrl::MySql(url)) = (database, url) else {
        return Err(unusable("capture")("SQLite has no binary log; capture by outbox-polled".into()));
    };
    let feed = crate::data_sources::MySqlBinlogOutboxChangeFeed::new(
        database.clone(),
        url.expose_secret(),
        relay.check_interval,
    )
    .map_err(|error| unusable("database-url")(error.into()))?;
    feed.check().await.map_err(|error| unusable("capture")(error.into()))?;
    Ok(Arc::new(feed))
}

#[cfg(not(feature = "mysql-binlog"))]
async fn binlog(
    _database: &Database,
    _url: &DatabaseUrl,
    _relay: &RelayConfig,
) -> Result<Arc<dyn ChangeFeed>, StartError> {
    let (setting, what, feature) = ("capture", "capture from the binary log", "mysql-binlog");
    Err(StartError::NotInThisBuild { setting, what, feature })
}
