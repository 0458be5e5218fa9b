//! The outbox on MySQL or MariaDB as a change feed.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{MySql, QueryBuilder};

use super::MySqlDatabase;
use super::sql::{feed_error, outbox_change_feed, outbox_row, statements};
use crate::repositories::{CapturedChange, ChangeFeed, ChangeFeedError};

outbox_change_feed!(MySqlOutboxChangeFeed, MySqlDatabase, MySql);
