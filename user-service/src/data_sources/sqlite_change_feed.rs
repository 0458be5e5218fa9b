//! The outbox on SQLite as a change feed.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{QueryBuilder, Sqlite};

use super::SqliteDatabase;
use super::sql::{bury_outbox, captured_change, feed_error, outbox_change_feed, statements};
use crate::repositories::{CapturedChange, ChangeFeed, ChangeFeedError};

outbox_change_feed!(SqliteOutboxChangeFeed, SqliteDatabase);

impl SqliteOutboxChangeFeed {
    async fn delete(&self, positions: &[i64]) -> Result<(), sqlx::Error> {
        let mut delete = QueryBuilder::<Sqlite>::new(statements::DELETE_OUTBOX);
        let mut list = delete.separated(", ");
        for position in positions {
            list.push_bind(*position);
        }
        list.push_unseparated(")");
        delete.build().execute(self.database.writer()).await.map(drop)
    }
}
