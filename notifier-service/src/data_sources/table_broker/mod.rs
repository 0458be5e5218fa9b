//! The dead letters on table-broker.

mod dead_letters;

pub use dead_letters::TableBrokerDeadLetters;
