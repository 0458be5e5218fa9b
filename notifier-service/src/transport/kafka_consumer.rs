use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use kafka_connection::KafkaConnection;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};
use shared_kernel::WireRecord;

use super::kafka_consumer_monitor::{KafkaConsumerMonitor, TELL_INTERVAL_MS};
use super::{ConsumeError, EventConsumer};
use crate::entities::{Place, ReceivedRecord};

/// The most records of one batch, and so of one ledger transaction.
const MAX_BATCH: usize = 500;
/// How often stored offsets go to the broker; also at a rebalance and when the consumer closes. What was
/// recorded and not committed comes again after a crash, and changes nothing then.
const COMMIT_INTERVAL_MS: &str = "1000";
/// How often the cluster is asked which topics and partitions there are.
const METADATA_INTERVAL_MS: &str = "10000";

/// Reads the topic from Kafka.
///
/// An offset is stored, for librdkafka to commit, only by [`commit`](EventConsumer::commit).
pub struct KafkaConsumer {
    consumer: StreamConsumer<KafkaConsumerMonitor>,
    monitor: KafkaConsumerMonitor,
    /// Read and not yet returned, so that a cancelled call loses nothing.
    pending: Vec<ReceivedRecord>,
}

/// Where and as whom to read.
#[derive(Clone)]
pub struct KafkaConsumerSettings {
    /// The brokers.
    pub connection: KafkaConnection,
    /// The consumer group.
    pub group: String,
    /// The topic.
    pub topic: String,
    /// How long after a member's silence its partitions go to others.
    pub session_timeout: Duration,
}

impl KafkaConsumerSettings {
    /// Long enough for a pause of the process, short enough for mail to wait for.
    pub const SESSION_TIMEOUT: Duration = Duration::from_secs(10);
}

impl KafkaConsumer {
    /// Joins the group in the background. A group that is new starts at the oldest record.
    ///
    /// # Errors
    ///
    /// [`ConsumeError`] when librdkafka refuses the settings.
    pub fn subscribe(settings: &KafkaConsumerSettings) -> Result<Self, ConsumeError> {
        let monitor = KafkaConsumerMonitor::of(&settings.topic);
        let consumer: StreamConsumer<_> = settings
            .connection
            .config()
            .set("group.id", &settings.group)
            .set("client.id", "inf-user-notifier")
            .set("session.timeout.ms", settings.session_timeout.as_millis().to_string())
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.offset.store", "false")
            .set("enable.auto.commit", "true")
            .set("auto.commit.interval.ms", COMMIT_INTERVAL_MS)
            // A topic that is created after we started is found this soon, not after the default five minutes.
            .set("topic.metadata.refresh.interval.ms", METADATA_INTERVAL_MS)
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("statistics.interval.ms", TELL_INTERVAL_MS)
            .create_with_context(monitor.clone())
            .map_err(|error| failed("set up the Kafka consumer", error))?;
        consumer.subscribe(&[&settings.topic]).map_err(|error| failed("subscribe to the topic", error))?;
        Ok(Self { consumer, monitor, pending: Vec::new() })
    }

    /// Looks at this consumer.
    pub fn monitor(&self) -> KafkaConsumerMonitor {
        self.monitor.clone()
    }

    /// The next message, or the last of the errors that are there before any. librdkafka tells of every attempt to reach
    /// a broker that is away; whoever heard one of these at a time, and paused after each, would hear the last of them
    /// long after the broker is back.
    async fn first(&self) -> Result<BorrowedMessage<'_>, KafkaError> {
        let mut first = self.consumer.recv().await;
        while first.is_err() {
            match self.consumer.recv().now_or_never() {
                Some(later) => first = later,
                None => break,
            }
        }
        first
    }
}

#[async_trait]
impl EventConsumer for KafkaConsumer {
    async fn next_batch(&mut self) -> Result<Vec<ReceivedRecord>, ConsumeError> {
        if self.pending.is_empty() {
            let first = self.first().await.map_err(|error| failed("read", self.monitor.explain(error)))?;
            self.pending.push(received(&first));
        }
        // Only what is there already: under load the queue is full, and without load nothing waits.
        while self.pending.len() < MAX_BATCH {
            match self.consumer.recv().now_or_never() {
                Some(Ok(message)) => self.pending.push(received(&message)),
                // An error comes again, when there is nothing before it to be returned.
                Some(Err(_)) | None => break,
            }
        }
        Ok(std::mem::take(&mut self.pending))
    }

    async fn commit(&mut self, batch: &[ReceivedRecord]) -> Result<(), ConsumeError> {
        let offsets = next_offsets(batch).map_err(|error| failed("store the offsets", error))?;
        match self.consumer.store_offsets(&offsets) {
            Ok(()) => Ok(()),
            Err(error) if is_revoked(&error) => {
                tracing::info!("another member reads these partitions now");
                Ok(())
            }
            Err(error) => Err(failed("store the offsets", error)),
        }
    }

    async fn close(self: Box<Self>) -> Result<(), ConsumeError> {
        // Dropping the consumer commits what was stored and leaves the group. It blocks, for ever perhaps while
        // the broker is away; a thread of its own does not hold up the end of the process, unlike one of the
        // runtime's. Not by a commit of our own before: librdkafka waits for that without any limit.
        let (closed, is_closed) = tokio::sync::oneshot::channel();
        let leave = move || {
            drop(self.consumer);
            // Nobody may be waiting any more.
            let _ = closed.send(());
        };
        std::thread::Builder::new()
            .name("kafka-leave".to_owned())
            .spawn(leave)
            .map_err(|error| failed("leave the group", error))?;
        is_closed.await.map_err(|panicked| failed("leave the group", panicked))
    }
}

fn received(message: &BorrowedMessage<'_>) -> ReceivedRecord {
    let headers = message.headers().map(|headers| {
        headers
            .iter()
            .map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec()))
            .collect()
    });
    ReceivedRecord {
        place: Place {
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
        },
        record: WireRecord {
            key: message.key().unwrap_or_default().to_vec(),
            value: message.payload().unwrap_or_default().to_vec(),
            headers: headers.unwrap_or_default(),
        },
    }
}

/// For each partition, the offset after its last record.
fn next_offsets(batch: &[ReceivedRecord]) -> Result<TopicPartitionList, KafkaError> {
    let mut next = BTreeMap::new();
    for ReceivedRecord { place, .. } in batch {
        let offset = next.entry((place.topic.as_str(), place.partition)).or_insert(place.offset);
        *offset = place.offset.max(*offset);
    }
    let mut offsets = TopicPartitionList::new();
    for ((topic, partition), last) in next {
        offsets.add_partition_offset(topic, partition, Offset::Offset(last + 1))?;
    }
    Ok(offsets)
}

/// Whether offsets were not stored because the partitions are no longer ours.
fn is_revoked(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::State | RDKafkaErrorCode::UnknownPartition | RDKafkaErrorCode::AssignmentLost)
    )
}

fn failed(action: &'static str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ConsumeError {
    ConsumeError { action, source: error.into() }
}
