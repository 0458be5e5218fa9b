//! The services as separate processes on real servers: MySQL, Kafka, and an SMTP server.

mod debezium;
pub(crate) mod deployment;
mod killed;
mod mixed_changes;
mod secrets_in_logs;
mod two_notifiers;
mod undecodable_record;
