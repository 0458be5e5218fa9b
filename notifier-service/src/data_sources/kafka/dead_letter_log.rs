use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::DateTime;
use kafka_connection::{KafkaConnection, Reasons};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers};
use rdkafka::metadata::MetadataTopic;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use shared_kernel::{WireRecord, dead_letter_topic};
use thiserror::Error;

use crate::data_sources::dead_letter_headers::without_reason;
use crate::entities::Place;
use crate::repositories::{DeadLetterLog, DeadLetterLogError, LoggedLetter};

/// How long the cluster may take for each answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often, while none comes, it is looked whether that is over.
const LOOK: Duration = Duration::from_millis(100);
/// librdkafka assigns partitions only to a consumer with a group. It is not joined, and nothing is committed to it.
const GROUP: &str = "inf-user-notifier-dead-letters";

/// The dead letters on a Kafka topic.
pub struct KafkaDeadLetterLog {
    settings: ClientConfig,
    topic: String,
}

/// Kafka does not have, or not say, what was asked for.
#[derive(Debug, Error)]
enum Missing {
    #[error("the topic {0} is not there")]
    Topic(String),
    #[error("no answer from Kafka")]
    Answer,
}

impl KafkaDeadLetterLog {
    /// Those of that topic, by way of those brokers: what lies on its [`dead_letter_topic`]. Each call connects anew.
    pub fn new(connection: &KafkaConnection, topic: &str) -> Self {
        let mut settings = connection.config();
        settings
            .set("client.id", "inf-user-notifier")
            .set("group.id", GROUP)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            // Where the end is told by no record: the last ones may be marks of a transaction.
            .set("enable.partition.eof", "true");
        Self { settings, topic: dead_letter_topic(topic) }
    }

    /// Asks librdkafka, whose questions block.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&BaseConsumer<Reasons>, &str) -> Result<T, DeadLetterLogError> + Send + 'static,
    ) -> Result<T, DeadLetterLogError> {
        let (settings, topic) = (self.settings.clone(), self.topic.clone());
        let asked = tokio::task::spawn_blocking(move || {
            let consumer: BaseConsumer<Reasons> =
                settings.create_with_context(Reasons::default()).map_err(by_fault)?;
            question(&consumer, &topic)
        });
        asked.await.unwrap_or_else(|panicked| Err(DeadLetterLogError::Unreadable(panicked.into())))
    }
}

#[async_trait]
impl DeadLetterLog for KafkaDeadLetterLog {
    async fn partitions(&self) -> Result<Vec<i32>, DeadLetterLogError> {
        self.ask(|consumer, topic| {
            let metadata = consumer
                .fetch_metadata(Some(topic), PATIENCE)
                .map_err(|error| unanswered(consumer, error))?;
            let found = metadata.topics().iter().find(|it| it.name() == topic && it.error().is_none());
            let partitions = found.map(MetadataTopic::partitions).unwrap_or_default();
            if partitions.is_empty() {
                return Err(DeadLetterLogError::Unreadable(Missing::Topic(topic.to_owned()).into()));
            }
            let mut ids: Vec<_> = partitions.iter().map(rdkafka::metadata::MetadataPartition::id).collect();
            ids.sort_unstable();
            Ok(ids)
        })
        .await
    }

    async fn letters(&self, partition: i32) -> Result<Vec<LoggedLetter>, DeadLetterLogError> {
        self.ask(move |consumer, topic| read(consumer, topic, partition)).await
    }
}

/// Reads from the first record to what is the end now.
fn read(
    consumer: &BaseConsumer<Reasons>,
    topic: &str,
    partition: i32,
) -> Result<Vec<LoggedLetter>, DeadLetterLogError> {
    let (low, end) = consumer.fetch_watermarks(topic, partition, PATIENCE).map_err(by_fault)?;
    let mut letters = Vec::new();
    if low == end {
        return Ok(letters);
    }
    let mut all = TopicPartitionList::new();
    all.add_partition_offset(topic, partition, Offset::Offset(low)).map_err(by_fault)?;
    consumer.assign(&all).map_err(by_fault)?;
    let mut last_news = Instant::now();
    let mut last_error = None;
    while last_news.elapsed() < PATIENCE {
        match consumer.poll(LOOK) {
            Some(Ok(message)) => {
                last_news = Instant::now();
                if message.offset() < end {
                    letters.push(logged(&message));
                }
                if message.offset() + 1 >= end {
                    return Ok(letters);
                }
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(letters),
            // librdkafka tells of every attempt, and goes on by itself.
            Some(Err(error)) => last_error = Some(error),
            None => {}
        }
    }
    Err(last_error.map_or_else(|| DeadLetterLogError::Unavailable(Missing::Answer.into()), by_fault))
}

fn logged(message: &BorrowedMessage<'_>) -> LoggedLetter {
    let headers = message.headers().into_iter().flat_map(Headers::iter);
    let headers = headers.map(|it| (it.key.to_owned(), it.value.unwrap_or_default().to_vec()));
    let record = WireRecord {
        key: message.key().unwrap_or_default().to_vec(),
        value: message.payload().unwrap_or_default().to_vec(),
        headers: headers.collect(),
    };
    let place =
        Place { topic: message.topic().to_owned(), partition: message.partition(), offset: message.offset() };
    LoggedLetter {
        place: place.clone(),
        set_aside_at: message.timestamp().to_millis().and_then(DateTime::from_timestamp_millis),
        letter: without_reason(place, record),
    }
}

fn unanswered(consumer: &BaseConsumer<Reasons>, error: KafkaError) -> DeadLetterLogError {
    match by_fault(error.clone()) {
        DeadLetterLogError::Unavailable(_) => DeadLetterLogError::Unavailable(Reasons::of(consumer, error)),
        other => other,
    }
}

fn by_fault(error: KafkaError) -> DeadLetterLogError {
    match error.rdkafka_error_code() {
        Some(
            RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownPartition
            | RDKafkaErrorCode::InvalidTopic,
        ) => DeadLetterLogError::Unreadable(error.into()),
        _ => DeadLetterLogError::Unavailable(error.into()),
    }
}
