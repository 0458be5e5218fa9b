//! The dead letters on table-broker.

mod dead_letters;
mod event_history;

pub use dead_letters::TableBrokerDeadLetters;
pub use event_history::TableBrokerEventHistory;
