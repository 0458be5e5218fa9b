//! The dead letters on Kafka.

mod dead_letter_log;
mod dead_letters;
mod event_history;

pub use dead_letter_log::KafkaDeadLetterLog;
pub use dead_letters::{KafkaDeadLetters, ProducerError};
pub use event_history::KafkaEventHistory;
