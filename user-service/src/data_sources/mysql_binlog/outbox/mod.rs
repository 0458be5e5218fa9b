//! The outbox on MySQL or MariaDB as a change feed that follows the binary log.
//!
//! Truth is in the table, speed is in the log: a row stays in the outbox until it is published. So whatever is wrong
//! with the log, the feed drops what it has read ahead and begins anew with a sweep of the table.

mod change_feed;
mod layout;
mod pending;
mod start;
mod tail;
mod tailing;

pub use change_feed::MySqlBinlogOutboxChangeFeed;
