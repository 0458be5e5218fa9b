//! Where a relay begins, or goes on.

use std::sync::Arc;
use std::time::Duration;

use mysql_async::Conn;
use tokio::time::timeout;
use tracing::info;

use super::super::error::BinlogError;
use super::super::marker::{last_number, write_marker};
use super::super::position::Position;
use super::super::server::BinlogServer;
use super::identity::Identity;
use super::large_event::LargeEvent;
use super::place::Place;
use super::position_store::{PositionStore, StoredPlace, Sweep};
use crate::data_sources::MySqlDatabase;

const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A connection to the log, the place to read it from, and the right to move that.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) connection: Conn,
    pub(super) store: PositionStore,
    pub(super) stored: StoredPlace,
    /// Whether transactions have GTIDs that are not known yet, and will be from the next file on.
    pub(super) learns_gtids: bool,
}

impl Start {
    /// Takes over the stored place; where there is none, notes the present one, and up to where the outbox is to be
    /// swept.
    ///
    /// The place is noted first, then the marker is committed, and then the outbox is looked at. So whatever is in the
    /// log before the marker is seen by a sweep that begins now, and all else is in the log behind the marker (ADR 8).
    ///
    /// With a large event, the connection is one on which it can be read, if it takes up no more than `most` (bytes).
    pub(super) async fn new(
        server: Arc<BinlogServer>,
        database: MySqlDatabase,
        large: Option<LargeEvent>,
        most: usize,
    ) -> Result<Self, BinlogError> {
        let mut connection = match large {
            Some(large) => large.connect(&server, most).await?,
            None => server.connect().await?,
        };
        let beginning = async {
            let identity = Identity::of(&mut connection).await?;
            let (store, mut stored) = match PositionStore::take_over(&database).await? {
                Some(taken) => taken,
                None => {
                    let first = first_place(&mut connection, &identity, &server, &database).await?;
                    info!(place = %first.place, "changes are captured from here on");
                    (PositionStore::begin(&database, &first).await?, first)
                }
            };
            identity.fit(&mut stored, &mut connection).await?;
            let learns_gtids = identity.numbers_transactions() && stored.place.gtids.is_none();
            Ok((store, stored, learns_gtids))
        };
        let begun = timeout(ANSWER_WITHIN, beginning).await;
        let (store, stored, learns_gtids) =
            begun.unwrap_or(Err(BinlogError::TimedOut("say where its binary log is")))?;
        Ok(Self { connection, store, stored, learns_gtids })
    }
}

async fn first_place(
    connection: &mut Conn,
    identity: &Identity,
    server: &BinlogServer,
    database: &MySqlDatabase,
) -> Result<StoredPlace, BinlogError> {
    let position = Position::now(connection, &server.database).await?;
    let gtids = identity.passed(connection).await?;
    let marker = write_marker(connection).await?;
    let through = last_number(database).await?;
    Ok(StoredPlace {
        server: identity.server().to_owned(),
        place: Place { gtids, file: position.file.into(), offset: position.offset, within: None },
        sweep: Some(Sweep { marker, through }),
    })
}
