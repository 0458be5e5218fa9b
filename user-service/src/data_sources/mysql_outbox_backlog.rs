//! What is in the outbox on MySQL or MariaDB.

use async_trait::async_trait;

use super::MySqlDatabase;
use super::sql::{feed_error, outbox_backlog, statements};
use crate::repositories::{ChangeFeedError, MOST_COUNTED, OutboxBacklog, WaitingChanges};

outbox_backlog!(MySqlOutboxBacklog, MySqlDatabase);
