//! Both services in one process on embedded parts, with a mailbox you can open: SQLite files, the
//! table-broker, and a development SMTP server in place of MySQL, Kafka and a mail provider.
//!
//! The services are the same ones, wired by their own `composition::build`.

pub mod composition;
pub mod keys;
pub mod mailbox;
pub mod settings;
pub mod try_it_now;
