//! The outbox on MySQL or MariaDB as a change feed.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::mysql::MySqlConnection;

use super::MySqlDatabase;
use super::sql::{RowOfEvent, bury_outbox, captured_change, feed_error, outbox_change_feed, statements};
use crate::repositories::{CapturedChange, ChangeFeed, ChangeFeedError};

outbox_change_feed!(MySqlOutboxChangeFeed, MySqlDatabase);

impl MySqlOutboxChangeFeed {
    async fn delete(&self, rows: &[RowOfEvent]) -> Result<(), sqlx::Error> {
        self.database.delete_outbox(rows).await
    }
}

/// Looks each number up by itself. For a list of numbers the servers rather read a range of the table, and a `DELETE`
/// waits for whoever is still writing to what it reads: somebody's long transaction would hold up the relay.
const DELETE_PUBLISHED: &str = "DELETE published FROM JSON_TABLE(?, '$[*]' COLUMNS (number BIGINT PATH '$[0]', id CHAR(32) PATH '$[1]')) AS done \
     STRAIGHT_JOIN outbox AS published FORCE INDEX (PRIMARY) ON published.seq = done.number AND published.id = UNHEX(done.id)";

/// In one statement, so that it is not under way for long.
const DELETED_AT_ONCE: usize = 1000;

impl MySqlDatabase {
    pub(super) async fn delete_outbox(&self, rows: &[RowOfEvent]) -> Result<(), sqlx::Error> {
        delete_outbox(&mut *self.writers().acquire().await?, rows).await
    }
}

/// Each statement is a transaction of its own, unless the connection is in one.
pub(super) async fn delete_outbox(
    connection: &mut MySqlConnection,
    rows: &[RowOfEvent],
) -> Result<(), sqlx::Error> {
    for part in rows.chunks(DELETED_AT_ONCE) {
        let part: Vec<_> = part.iter().map(|(number, id)| (number, id.0.simple().to_string())).collect();
        let rows = serde_json::to_string(&part).expect("numbers and texts have no failing serializer");
        sqlx::query(DELETE_PUBLISHED).bind(rows).execute(&mut *connection).await?;
    }
    Ok(())
}
