//! The outbox on SQLite as a change feed.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{QueryBuilder, Sqlite};

use super::SqliteDatabase;
use super::sql::{feed_error, outbox_change_feed, outbox_row, statements};
use crate::repositories::{CapturedChange, ChangeFeed, ChangeFeedError};

outbox_change_feed!(SqliteOutboxChangeFeed, SqliteDatabase, Sqlite);
