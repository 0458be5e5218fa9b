//! The service's parts against what they meet in the world: databases, brokers, mail servers; and the use
//! cases against fakes that keep state.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers included")]

mod composition;
mod consume_loop;
mod dead_letter_log_contract;
mod dead_letters_command;
mod deliver_notifications;
mod delivery_failures;
mod delivery_loop;
mod dkim;
mod doctor;
mod erasure;
mod event_consumer_contract;
mod event_history;
mod kafka_consumer;
mod ledger_command;
mod ledger_contract;
mod mails;
mod migrations;
mod operator_api;
mod operator_contract;
mod operator_page;
mod operator_use_cases;
mod preview;
mod record_user_events;
mod recording_properties;
mod redrive_dead_letters;
mod retention_contract;
mod settings;
mod smtp_mailer;
mod smtp_security;
mod support;
mod tidy_ledger;
mod watch_contract;
