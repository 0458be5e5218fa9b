//! The change feeds that follow the binary log of MySQL or MariaDB: one for what is inserted into the outbox, one for what
//! is done to the rows of `users`. What they share is who may be active, how a server is reached and what it must be set
//! to, and how rows are read.

mod error;
mod lock;
mod log;
mod marker;
mod outbox;
mod position;
mod row_image;
mod server;
mod settings;
mod users;

pub use outbox::MySqlBinlogOutboxChangeFeed;
pub use users::MySqlBinlogUsersChangeFeed;
