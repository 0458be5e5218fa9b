//! The outbox on MySQL or MariaDB as a change feed.

use std::time::Duration;

use async_trait::async_trait;

use super::MySqlDatabase;
use super::sql::{bury_outbox, captured_change, feed_error, outbox_change_feed, statements};
use crate::repositories::{CapturedChange, ChangeFeed, ChangeFeedError};

outbox_change_feed!(MySqlOutboxChangeFeed, MySqlDatabase);

impl MySqlOutboxChangeFeed {
    async fn delete(&self, positions: &[i64]) -> Result<(), sqlx::Error> {
        self.database.delete_outbox(positions).await
    }
}

/// Looks each number up by itself. For a list of numbers the servers rather read a range of the table, and a `DELETE`
/// waits for whoever is still writing to what it reads: somebody's long transaction would hold up the relay.
const DELETE_PUBLISHED: &str = "DELETE published FROM JSON_TABLE(?, '$[*]' COLUMNS (number BIGINT PATH '$')) AS numbers \
     STRAIGHT_JOIN outbox AS published FORCE INDEX (PRIMARY) ON published.seq = numbers.number";

/// In one statement, so that it is not under way for long.
const DELETED_AT_ONCE: usize = 1000;

impl MySqlDatabase {
    pub(super) async fn delete_outbox(&self, positions: &[i64]) -> Result<(), sqlx::Error> {
        for part in positions.chunks(DELETED_AT_ONCE) {
            let numbers = serde_json::to_string(part).expect("numbers have no failing serializer");
            sqlx::query(DELETE_PUBLISHED).bind(numbers).execute(self.writers()).await?;
        }
        Ok(())
    }
}
