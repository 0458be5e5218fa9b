use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kafka_connection::{KafkaConnection, Reasons};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::MetadataTopic;
use rdkafka::{Offset, TopicPartitionList};
use thiserror::Error;

use crate::repositories::{EventHistory, EventHistoryError};

/// How long the cluster may take for each answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How old the records of Kafka topics are, by the timestamps that Kafka keeps. Joins no group and reads no record.
pub struct KafkaEventHistory {
    consumer: Arc<BaseConsumer<Reasons>>,
    topics: Vec<String>,
}

/// A topic that Kafka says nothing about.
#[derive(Debug, Error)]
#[error("the topic {0} is not there")]
struct TopicMissing(String);

impl KafkaEventHistory {
    /// Of those topics, by way of those brokers. Connects in the background.
    ///
    /// # Errors
    ///
    /// [`EventHistoryError`] when librdkafka refuses the settings.
    pub fn new(connection: &KafkaConnection, topics: Vec<String>) -> Result<Self, EventHistoryError> {
        let consumer = connection
            .config()
            .set("client.id", "inf-user-notifier")
            .set("enable.auto.commit", "false")
            .create_with_context(Reasons::default())
            .map_err(|error: KafkaError| EventHistoryError(error.into()))?;
        Ok(Self { consumer: Arc::new(consumer), topics })
    }
}

#[async_trait]
impl EventHistory for KafkaEventHistory {
    async fn reaches_before(&self, time: DateTime<Utc>) -> Result<bool, EventHistoryError> {
        let (consumer, topics) = (self.consumer.clone(), self.topics.clone());
        // librdkafka's questions block.
        let asked = tokio::task::spawn_blocking(move || {
            for topic in &topics {
                if topic_reaches_before(&consumer, topic, time)? {
                    return Ok(true);
                }
            }
            Ok(false)
        });
        match asked.await {
            Ok(told) => told,
            Err(panicked) => Err(EventHistoryError(panicked.into())),
        }
    }
}

fn topic_reaches_before(
    consumer: &BaseConsumer<Reasons>,
    topic: &str,
    time: DateTime<Utc>,
) -> Result<bool, EventHistoryError> {
    let failed = |error: KafkaError| EventHistoryError(Reasons::of(consumer, error));
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).map_err(failed)?;
    let found = metadata.topics().iter().find(|it| it.name() == topic && it.error().is_none());
    let partitions = found.map(MetadataTopic::partitions).unwrap_or_default();
    if partitions.is_empty() {
        return Err(EventHistoryError(TopicMissing(topic.to_owned()).into()));
    }
    let mut asked = TopicPartitionList::new();
    for partition in partitions {
        asked
            .add_partition_offset(topic, partition.id(), Offset::Offset(time.timestamp_millis()))
            .map_err(failed)?;
    }
    // For each partition the offset of the first record that is not older.
    let first = consumer.offsets_for_times(asked, PATIENCE).map_err(failed)?;
    for partition in first.elements() {
        partition.error().map_err(failed)?;
        let (low, high) =
            consumer.fetch_watermarks(topic, partition.partition(), PATIENCE).map_err(failed)?;
        let first = match partition.offset() {
            Offset::Offset(offset) => offset,
            // All of its records are older.
            Offset::End => high,
            _ => return Err(failed(KafkaError::OffsetFetch(RDKafkaErrorCode::InvalidTimestamp))),
        };
        if low < first {
            return Ok(true);
        }
    }
    Ok(false)
}
