//! user-service against real databases, librdkafka's mock cluster and a real Kafka, over real sockets, and
//! as the built binary.
#![expect(clippy::unwrap_used, reason = "a test may end with a panic")]

mod answer_contract;
mod authorization;
mod backlog_contract;
mod binlog_capture;
mod binlog_relay;
mod binlog_takeover;
mod change_feed_contract;
mod command_line;
mod concurrency;
mod confirmation;
mod doctor;
mod housekeeping;
mod http_access;
mod http_limits;
mod idempotency;
mod kafka_event_publisher;
mod list_pages;
mod metrics;
mod password_reset_contract;
mod passwords;
mod readiness;
mod relay_changes;
mod requests_only;
mod rest_api;
mod session_contract;
mod sessions;
mod support;
mod timing;
mod user_lookup_contract;
mod user_repository_contract;
mod users_capture;
mod users_position;
mod users_relay;
