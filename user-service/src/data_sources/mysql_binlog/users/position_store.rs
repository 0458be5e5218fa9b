//! The place in the log, kept in the database that it is about.

use std::sync::Arc;

use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use super::super::error::BinlogError;
use super::gtid::Gtids;
use super::place::{Place, Within};
use crate::data_sources::MySqlDatabase;
use crate::data_sources::mysql_change_feed::delete_outbox;
use crate::data_sources::sql::RowOfEvent;

const CAPTURE: &str = "users-table";

const TAKE_OVER: &str = "UPDATE relayPosition SET epoch = epoch + 1 WHERE capture = ?";

const READ: &str = "SELECT epoch, serverUuid, gtids, file, fileOffset, partOf, partEvents, marker, sweptThrough \
     FROM relayPosition WHERE capture = ?";

const BEGIN: &str = "INSERT INTO relayPosition (epoch, serverUuid, gtids, file, fileOffset, marker, sweptThrough, capture) \
     VALUES (1, ?, ?, ?, ?, ?, ?, ?)";

const STORE: &str = "UPDATE relayPosition SET serverUuid = ?, gtids = ?, file = ?, fileOffset = ?, partOf = ?, \
     partEvents = ?, marker = ?, sweptThrough = ?, storedAt = CURRENT_TIMESTAMP(6) WHERE capture = ? AND epoch = ?";

const FORGET: &str = "DELETE FROM relayPosition WHERE capture = ?";

/// A place as it is stored.
#[derive(Debug, Clone)]
pub(super) struct StoredPlace {
    /// The server whose files are meant.
    pub(super) server: String,
    pub(super) place: Place,
    /// What was to be swept when the relay first started, until that is done.
    pub(super) sweep: Option<Sweep>,
}

/// The rows of the outbox that were there before the log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sweep {
    /// The row of `relayMarkers` behind which the log is read.
    pub(super) marker: i64,
    /// No row of the outbox that is in the log before the marker has a greater number.
    pub(super) through: i64,
}

/// The right to move the place, which ends when another relay takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PositionStore {
    epoch: i64,
}

impl PositionStore {
    /// Takes the right over, and reads the place; `None` when there is none.
    pub(super) async fn take_over(
        database: &MySqlDatabase,
    ) -> Result<Option<(Self, StoredPlace)>, BinlogError> {
        let mut transaction = database.begin().await.map_err(BinlogError::Database)?;
        sqlx::query(TAKE_OVER)
            .bind(CAPTURE)
            .execute(&mut *transaction)
            .await
            .map_err(BinlogError::Database)?;
        let row = sqlx::query(READ)
            .bind(CAPTURE)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(BinlogError::Database)?;
        transaction.commit().await.map_err(BinlogError::Database)?;
        row.as_ref().map(read).transpose().map_err(BinlogError::Database)
    }

    /// Reads the place without taking anything over.
    pub(super) async fn read(database: &MySqlDatabase) -> Result<Option<StoredPlace>, BinlogError> {
        let row = sqlx::query(READ)
            .bind(CAPTURE)
            .fetch_optional(database.readers())
            .await
            .map_err(BinlogError::Database)?;
        let read = row.as_ref().map(read).transpose().map_err(BinlogError::Database)?;
        Ok(read.map(|(_right, stored)| stored))
    }

    /// Stores a first place.
    pub(super) async fn begin(database: &MySqlDatabase, first: &StoredPlace) -> Result<Self, BinlogError> {
        let StoredPlace { server, place, sweep } = first;
        sqlx::query(BEGIN)
            .bind(server)
            .bind(place.gtids.as_ref().map(ToString::to_string))
            .bind(&*place.file)
            .bind(signed(place.offset))
            .bind(sweep.map(|sweep| sweep.marker))
            .bind(sweep.map(|sweep| sweep.through))
            .bind(CAPTURE)
            .execute(database.readers())
            .await
            .map_err(BinlogError::Database)?;
        Ok(Self { epoch: 1 })
    }

    /// Stores the place and deletes those rows of the outbox, both or neither.
    pub(super) async fn store(
        self,
        database: &MySqlDatabase,
        now: &StoredPlace,
        outbox: &[RowOfEvent],
    ) -> Result<(), BinlogError> {
        let StoredPlace { server, place, sweep } = now;
        let mut transaction = database.begin().await.map_err(BinlogError::Database)?;
        let stored = sqlx::query(STORE)
            .bind(server)
            .bind(place.gtids.as_ref().map(ToString::to_string))
            .bind(&*place.file)
            .bind(signed(place.offset))
            .bind(place.within.as_ref().and_then(|within| within.gtid.as_deref()))
            .bind(signed(place.within.as_ref().map_or(0, |within| within.events)))
            .bind(sweep.map(|sweep| sweep.marker))
            .bind(sweep.map(|sweep| sweep.through))
            .bind(CAPTURE)
            .bind(self.epoch)
            .execute(&mut *transaction)
            .await
            .map_err(BinlogError::Database)?;
        if stored.rows_affected() == 0 {
            return Err(BinlogError::Superseded);
        }
        delete_outbox(&mut transaction, outbox).await.map_err(BinlogError::Database)?;
        transaction.commit().await.map_err(BinlogError::Database)
    }

    /// Forgets the place; whether there was one.
    pub(super) async fn forget(database: &MySqlDatabase) -> Result<bool, sqlx::Error> {
        let forgotten = sqlx::query(FORGET).bind(CAPTURE).execute(database.readers()).await?;
        Ok(forgotten.rows_affected() > 0)
    }
}

fn read(row: &MySqlRow) -> Result<(PositionStore, StoredPlace), sqlx::Error> {
    let file: String = row.try_get("file")?;
    let gtids: Option<String> = row.try_get("gtids")?;
    let (part_of, events): (Option<String>, i64) = (row.try_get("partOf")?, row.try_get("partEvents")?);
    let (marker, through) = (row.try_get("marker")?, row.try_get("sweptThrough")?);
    let stored = StoredPlace {
        server: row.try_get("serverUuid")?,
        place: Place {
            gtids: gtids.map(|text| parse(&text)).transpose()?,
            file: file.into(),
            offset: row.try_get::<i64, _>("fileOffset")?.try_into().unwrap_or_default(),
            within: (events > 0).then(|| Within {
                gtid: part_of.map(Arc::from),
                events: events.try_into().unwrap_or_default(),
            }),
        },
        sweep: Option::zip(marker, through).map(|(marker, through)| Sweep { marker, through }),
    };
    Ok((PositionStore { epoch: row.try_get("epoch")? }, stored))
}

/// A set of MySQL's or a position of MariaDB's: only the first has colons.
fn parse(text: &str) -> Result<Gtids, sqlx::Error> {
    let gtids = if text.contains(':') { Gtids::of_mysql(text) } else { Gtids::of_mariadb(text) };
    gtids.map_err(|error| sqlx::Error::ColumnDecode { index: "gtids".to_owned(), source: error.into() })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
