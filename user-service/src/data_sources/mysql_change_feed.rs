//! The outbox on MySQL or MariaDB as a change feed.

use std::fmt::Write as _;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;

use super::MySqlDatabase;
use super::sql::{bury_outbox, captured_change, feed_error, outbox_change_feed, statements};
use crate::repositories::{CapturedChange, ChangeFeed, ChangeFeedError};

outbox_change_feed!(MySqlOutboxChangeFeed, MySqlDatabase);

impl MySqlOutboxChangeFeed {
    async fn delete(&self, changes: &[CapturedChange]) -> Result<(), sqlx::Error> {
        self.database.delete_outbox(changes).await
    }
}

impl MySqlDatabase {
    /// One statement a row, all sent at once. For a list of numbers the servers may rather read the whole
    /// table, and a `DELETE` that reads a row waits for whoever is still writing it: somebody's long
    /// transaction would hold up the relay.
    pub(super) async fn delete_outbox(&self, changes: &[CapturedChange]) -> Result<(), sqlx::Error> {
        let mut sql = String::new();
        for change in changes {
            write!(sql, "DELETE FROM outbox WHERE seq = {};", change.position)
                .expect("writing to a string does not fail");
        }
        let mut transaction = self.begin().await?;
        // Nothing in it but numbers.
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *transaction).await?;
        transaction.commit().await
    }
}
