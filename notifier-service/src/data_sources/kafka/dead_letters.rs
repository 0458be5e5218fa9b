use std::time::Duration;

use async_trait::async_trait;
use kafka_connection::{KafkaConnection, Reasons};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use shared_kernel::dead_letter_topic;
use thiserror::Error;

use crate::data_sources::dead_letter_headers::with_reason;
use crate::repositories::{DeadLetter, DeadLetters, DeadLettersError};

/// How long one letter waits for all replicas before it counts as not stored.
const MESSAGE_TIMEOUT_MS: &str = "15000";
/// How long a letter waits for room in the producer's queue, which holds nothing else.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(15);

/// Dead letters as records of a Kafka topic, acknowledged by all in-sync replicas.
pub struct KafkaDeadLetters {
    producer: FutureProducer<Reasons>,
    reasons: Reasons,
}

/// The settings for the producer are not usable.
#[derive(Debug, Error)]
#[error("the Kafka producer for dead letters cannot be made")]
pub struct ProducerError(#[source] KafkaError);

impl KafkaDeadLetters {
    /// Writes to the [`dead_letter_topic`] of each letter's topic by way of those brokers. Connects in the background.
    ///
    /// # Errors
    ///
    /// [`ProducerError`] when librdkafka refuses the settings.
    pub fn new(connection: &KafkaConnection) -> Result<Self, ProducerError> {
        let reasons = Reasons::default();
        let producer = connection
            .config()
            .set("client.id", "inf-user-notifier")
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", MESSAGE_TIMEOUT_MS)
            .create_with_context(reasons.clone())
            .map_err(ProducerError)?;
        Ok(Self { producer, reasons })
    }
}

#[async_trait]
impl DeadLetters for KafkaDeadLetters {
    async fn put(&self, letter: &DeadLetter) -> Result<(), DeadLettersError> {
        let headers = with_reason(letter).iter().fold(OwnedHeaders::new(), |headers, (name, value)| {
            headers.insert(Header { key: name, value: Some(value) })
        });
        let topic = dead_letter_topic(&letter.received.place.topic);
        let record = FutureRecord::to(&topic)
            .key(&letter.received.record.key)
            .payload(&letter.received.record.value)
            .headers(headers);
        match self.producer.send(record, Timeout::After(QUEUE_TIMEOUT)).await {
            Ok(_) => Ok(()),
            Err((error, _)) => Err(self.by_fault(error)),
        }
    }
}

impl KafkaDeadLetters {
    fn by_fault(&self, error: KafkaError) -> DeadLettersError {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidMessageSize) => {
                DeadLettersError::Refused(error.into())
            }
            _ => DeadLettersError::Unavailable(self.reasons.explain(error)),
        }
    }
}
