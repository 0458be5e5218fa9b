//! user-service against real databases, librdkafka's mock cluster and a real Kafka, over real sockets, and
//! as the built binary.
#![expect(clippy::unwrap_used, reason = "a test may end with a panic")]

mod change_feed_contract;
mod command_line;
mod http_limits;
mod kafka_event_publisher;
mod relay_changes;
mod rest_api;
mod support;
mod user_repository_contract;
