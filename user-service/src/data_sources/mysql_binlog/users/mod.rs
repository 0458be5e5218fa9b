//! The table `users` on MySQL or MariaDB as a change feed that follows the binary log.
//!
//! What another program changes is nowhere but in the log. So here the place in the log is what must not be lost: it
//! is stored in the database, moves on only behind what is published, and is never skipped over.

mod burial;
mod change_feed;
mod check;
mod cursor;
mod entry;
mod gtid;
mod identity;
mod large_event;
mod layouts;
mod outbox_row;
mod place;
mod position_store;
mod reader;
mod session;
mod start;
mod user_change;
mod user_row;
mod window;

pub use change_feed::MySqlBinlogUsersChangeFeed;
