//! What is in the outbox on SQLite.

use async_trait::async_trait;

use super::SqliteDatabase;
use super::sql::{feed_error, outbox_backlog, statements};
use crate::repositories::{ChangeFeedError, MOST_COUNTED, OutboxBacklog, WaitingChanges};

outbox_backlog!(SqliteOutboxBacklog, SqliteDatabase);
