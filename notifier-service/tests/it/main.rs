//! The service's parts against what they meet in the world: databases, brokers, mail servers; and the use
//! cases against fakes that keep state.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers included")]

mod composition;
mod consume_loop;
mod deliver_notifications;
mod delivery_failures;
mod delivery_loop;
mod dkim;
mod event_consumer_contract;
mod kafka_consumer;
mod ledger_contract;
mod migrations;
mod record_user_events;
mod settings;
mod smtp_mailer;
mod smtp_security;
mod support;
