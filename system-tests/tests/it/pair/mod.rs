//! The services as separate processes on real servers: MySQL, Kafka, and an SMTP server.

mod debezium;
pub(crate) mod deployment;
mod failover;
mod killed;
mod mixed_changes;
mod observability;
mod secrets_in_logs;
mod servers_restarted;
mod told;
mod two_notifiers;
mod two_relays;
mod undecodable_record;
mod users_table;
mod users_table_position;
mod world;
