//! The dead letters on table-broker.

mod dead_letter_log;
mod dead_letters;
mod event_history;

pub use dead_letter_log::TableBrokerDeadLetterLog;
pub use dead_letters::TableBrokerDeadLetters;
pub use event_history::TableBrokerEventHistory;
