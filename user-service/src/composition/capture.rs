//! How the relay comes to know of changes.

use std::sync::Arc;

use super::StartError;
use super::database::Database;
#[cfg(feature = "mysql-binlog")]
use super::unusable;
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
        Capture::OutboxBinlog => outbox_binlog(database, url, relay).await,
        Capture::UsersTable => users_table(database, url, relay).await,
        Capture::OutboxRequests => {
            let all = match default_for(url) {
                Capture::OutboxBinlog => outbox_binlog(database, url, relay).await?,
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
async fn outbox_binlog(
    database: &Database,
    url: &DatabaseUrl,
    relay: &RelayConfig,
) -> Result<Arc<dyn ChangeFeed>, StartError> {
    let (database, url) = on_server(database, url)?;
    let feed =
        crate::data_sources::MySqlBinlogOutboxChangeFeed::new(database.clone(), url, relay.check_interval)
            .map_err(|error| unusable("database-url")(error.into()))?;
    feed.check().await.map_err(|error| unusable("capture")(error.into()))?;
    Ok(Arc::new(feed))
}

#[cfg(feature = "mysql-binlog")]
async fn users_table(
    database: &Database,
    url: &DatabaseUrl,
    relay: &RelayConfig,
) -> Result<Arc<dyn ChangeFeed>, StartError> {
    let (database, url) = on_server(database, url)?;
    let feed =
        crate::data_sources::MySqlBinlogUsersChangeFeed::new(database.clone(), url, relay.largest_event)
            .map_err(|error| unusable("database-url")(error.into()))?;
    feed.check().await.map_err(|error| unusable("capture")(error.into()))?;
    Ok(Arc::new(feed))
}

/// Makes a relay that captures from the table of users begin at the present end of the log; whether there was another
/// place to begin.
#[cfg(feature = "mysql-binlog")]
pub(super) async fn forget_position(database: &Database, url: &DatabaseUrl) -> Result<bool, StartError> {
    let (database, _url) = on_server(database, url)?;
    crate::data_sources::MySqlBinlogUsersChangeFeed::forget_position(database)
        .await
        .map_err(|error| unusable("database-url")(error.into()))
}

#[cfg(feature = "mysql-binlog")]
fn on_server<'a>(
    database: &'a Database,
    url: &'a DatabaseUrl,
) -> Result<(&'a crate::data_sources::MySqlDatabase, &'a str), StartError> {
    use secrecy::ExposeSecret as _;
    match (database, url) {
        (Database::MySql(database), DatabaseUrl::MySql(url)) => Ok((database, url.expose_secret())),
        _ => Err(unusable("capture")("SQLite has no binary log; capture by outbox-polled".into())),
    }
}

#[cfg(not(feature = "mysql-binlog"))]
const NOT_IN_THIS_BUILD: StartError = StartError::NotInThisBuild {
    setting: "capture",
    what: "capture from the binary log",
    feature: "mysql-binlog",
};

#[cfg(not(feature = "mysql-binlog"))]
async fn outbox_binlog(
    _database: &Database,
    _url: &DatabaseUrl,
    _relay: &RelayConfig,
) -> Result<Arc<dyn ChangeFeed>, StartError> {
    Err(NOT_IN_THIS_BUILD)
}

#[cfg(not(feature = "mysql-binlog"))]
async fn users_table(
    _database: &Database,
    _url: &DatabaseUrl,
    _relay: &RelayConfig,
) -> Result<Arc<dyn ChangeFeed>, StartError> {
    Err(NOT_IN_THIS_BUILD)
}

#[cfg(not(feature = "mysql-binlog"))]
pub(super) async fn forget_position(_database: &Database, _url: &DatabaseUrl) -> Result<bool, StartError> {
    Err(NOT_IN_THIS_BUILD)
}
