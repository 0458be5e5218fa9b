//! The services as separate processes on real servers: MySQL, Kafka, and an SMTP server.

mod debezium;
pub(crate) mod deployment;
mod failover;
mod killed;
mod mixed_changes;
mod observability;
mod rolling_upgrade;
mod secrets_in_logs;
#[cfg(feature = "kafka-tls")]
mod secured;
mod servers_restarted;
mod told;
mod traced;
mod two_notifiers;
mod two_relays;
mod undecodable_record;
mod users_table;
mod users_table_position;
mod world;
