//! The dead letters on Kafka.

mod dead_letters;

pub use dead_letters::{KafkaDeadLetters, ProducerError};
