//! The outbox on SQLite as a change feed.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{QueryBuilder, Sqlite};

use super::SqliteDatabase;
use super::sql::{RowOfEvent, bury_outbox, captured_change, feed_error, outbox_change_feed, statements};
use crate::repositories::{CapturedChange, ChangeFeed, ChangeFeedError};

outbox_change_feed!(SqliteOutboxChangeFeed, SqliteDatabase);

impl SqliteOutboxChangeFeed {
    /// By their numbers alone: a file gives none again.
    async fn delete(&self, rows: &[RowOfEvent]) -> Result<(), sqlx::Error> {
        let mut delete = QueryBuilder::<Sqlite>::new(statements::DELETE_OUTBOX);
        let mut list = delete.separated(", ");
        for (number, _event) in rows {
            list.push_bind(*number);
        }
        list.push_unseparated(")");
        delete.build().execute(self.database.writer()).await.map(drop)
    }
}
