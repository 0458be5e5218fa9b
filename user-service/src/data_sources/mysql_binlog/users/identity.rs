//! Which server it is, and whether a stored place is one of its log.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Row};

use super::super::error::{BinlogError, PlaceError};
use super::gtid::Gtids;
use super::position_store::StoredPlace;

const MYSQL: &str = "SELECT @@server_uuid, @@GLOBAL.gtid_mode";

const MARIADB: &str = "SELECT CONCAT('server_id ', @@GLOBAL.server_id)";

/// MySQL's and MariaDB's "unknown system variable".
const UNKNOWN_VARIABLE: u16 = 1193;

/// What binary logs there are, with their sizes.
const FILES: &str = "SHOW BINARY LOGS";

const LIST_FILES: &str = "REPLICATION CLIENT ON *.* (on MariaDB: BINLOG MONITOR ON *.*)";

/// A server, as far as places in its log depend on it.
#[derive(Debug)]
pub(super) enum Identity {
    MySql { uuid: String, has_gtids: bool },
    MariaDb { name: String },
}

impl Identity {
    pub(super) async fn of(connection: &mut Conn) -> Result<Self, BinlogError> {
        match connection.query_first::<(String, String), _>(MYSQL).await {
            Ok(row) => {
                let (uuid, mode) = row.unwrap_or_default();
                // With anything else than ON, transactions without one may be in the log.
                Ok(Self::MySql { uuid, has_gtids: mode == "ON" })
            }
            Err(mysql_async::Error::Server(answer)) if answer.code == UNKNOWN_VARIABLE => {
                let name = connection.query_first(MARIADB).await.map_err(BinlogError::Connection)?;
                Ok(Self::MariaDb { name: name.unwrap_or_default() })
            }
            Err(error) => Err(BinlogError::Connection(error)),
        }
    }

    /// How the server is told from others.
    pub(super) fn server(&self) -> &str {
        match self {
            Self::MySql { uuid, .. } => uuid,
            Self::MariaDb { name } => name,
        }
    }

    /// Whether every transaction has a GTID.
    pub(super) fn numbers_transactions(&self) -> bool {
        matches!(self, Self::MariaDb { .. } | Self::MySql { has_gtids: true, .. })
    }

    /// The transactions that the log has now, where it numbers them.
    pub(super) async fn passed(&self, connection: &mut Conn) -> Result<Option<Gtids>, BinlogError> {
        let sql = match self {
            Self::MySql { has_gtids: false, .. } => return Ok(None),
            Self::MySql { .. } => "SELECT @@GLOBAL.gtid_executed",
            Self::MariaDb { .. } => "SELECT @@GLOBAL.gtid_binlog_pos",
        };
        let text: Option<String> = connection.query_first(sql).await.map_err(BinlogError::Connection)?;
        let text = text.unwrap_or_default();
        let gtids = match self {
            Self::MySql { .. } => Gtids::of_mysql(&text),
            Self::MariaDb { .. } => Gtids::of_mariadb(&text),
        };
        gtids.map(Some).map_err(|error| BinlogError::Event(std::io::Error::other(error)))
    }

    /// Refuses a place that is not one of this server's log, or not any more. A place that was stored by GTIDs is, on
    /// a server that has none any more, one of its files.
    pub(super) async fn fit(
        &self,
        stored: &mut StoredPlace,
        connection: &mut Conn,
    ) -> Result<(), BinlogError> {
        match (self, &stored.place.gtids) {
            (Self::MySql { has_gtids: true, .. }, Some(Gtids::MySql(_))) => {
                fit_by_gtids(stored, connection).await?;
            }
            // The server itself finds out, when it is asked for its log.
            (Self::MariaDb { .. }, Some(Gtids::MariaDb(_))) => {}
            _ if stored.server == self.server() => {
                if stored.place.gtids.take().is_some() {
                    // Whatever was done of it cannot be told by its GTID any more.
                    stored.place.within = None;
                }
                fit_by_file(stored, connection).await?;
            }
            _ => {
                return Err(BinlogError::Place(PlaceError::AnotherServer {
                    stored: stored.server.clone(),
                    found: self.server().to_owned(),
                    place: stored.place.to_string(),
                }));
            }
        }
        self.server().clone_into(&mut stored.server);
        Ok(())
    }
}

async fn fit_by_gtids(stored: &StoredPlace, connection: &mut Conn) -> Result<(), BinlogError> {
    let Some(gtids) = stored.place.gtids.as_ref().map(ToString::to_string) else { return Ok(()) };
    let sql = "SELECT GTID_SUBTRACT(@@GLOBAL.gtid_purged, ?), GTID_SUBTRACT(?, @@GLOBAL.gtid_executed)";
    let asked: Option<(String, String)> =
        connection.exec_first(sql, (&gtids, &gtids)).await.map_err(BinlogError::Connection)?;
    let (purged, unknown) = asked.unwrap_or_default();
    if !purged.is_empty() {
        let missed = format!("the transactions {purged}");
        return Err(BinlogError::Place(PlaceError::Purged { missed, place: stored.place.to_string() }));
    }
    if !unknown.is_empty() {
        return Err(BinlogError::Place(PlaceError::Ahead { unknown }));
    }
    Ok(())
}

async fn fit_by_file(stored: &StoredPlace, connection: &mut Conn) -> Result<(), BinlogError> {
    let rows: Vec<Row> = connection.query(FILES).await.map_err(BinlogError::asking(LIST_FILES))?;
    let files: Vec<(String, u64)> =
        rows.iter().filter_map(|row| Some((row.get_opt(0)?.ok()?, row.get_opt(1)?.ok()?))).collect();
    let place = &stored.place;
    match files.iter().find(|(file, _size)| **file == *place.file) {
        Some((_file, size)) if *size >= place.offset => Ok(()),
        Some((file, size)) => {
            let unknown = format!("{file} from {size} to {}", place.offset);
            Err(BinlogError::Place(PlaceError::Ahead { unknown }))
        }
        None => {
            let oldest = files.first().map_or("none", |(file, _size)| file);
            let missed =
                format!("the file {} from offset {} on; the oldest is {oldest}", place.file, place.offset);
            Err(BinlogError::Place(PlaceError::Purged { missed, place: place.to_string() }))
        }
    }
}
