//! Reading topics back, and topics of a real Kafka for one test each.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use kafka_connection::KafkaConnection;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use shared_kernel::{UserEvent, WireRecord, decode};

use super::databases::unique_name;
use super::servers::server;
use super::waiting::SOON;

const CALL: Duration = Duration::from_secs(10);

/// A record as it is in the topic.
#[derive(Debug)]
pub(crate) struct ReadRecord {
    pub(crate) partition: i32,
    pub(crate) record: WireRecord,
}

impl ReadRecord {
    pub(crate) fn event(&self) -> UserEvent {
        decode(&self.record).unwrap()
    }
}

/// All that is in a topic now, the order of each partition kept.
pub(crate) async fn read_all(brokers: &str, topic: &str) -> Vec<ReadRecord> {
    let (brokers, topic) = (brokers.to_owned(), topic.to_owned());
    tokio::task::spawn_blocking(move || read_all_now(&brokers, &topic)).await.unwrap()
}

fn consumer(brokers: &str) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "read-all")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap()
}

pub(crate) fn partitions(brokers: &str, topic: &str) -> usize {
    consumer(brokers).fetch_metadata(Some(topic), CALL).unwrap().topics()[0].partitions().len()
}

fn read_all_now(brokers: &str, topic: &str) -> Vec<ReadRecord> {
    let consumer = consumer(brokers);
    let mut wanted = 0;
    let mut assignment = TopicPartitionList::new();
    let metadata = consumer.fetch_metadata(Some(topic), CALL).unwrap();
    for partition in metadata.topics()[0].partitions() {
        let (low, high) = consumer.fetch_watermarks(topic, partition.id(), CALL).unwrap();
        wanted += usize::try_from(high - low).unwrap();
        assignment.add_partition_offset(topic, partition.id(), Offset::Beginning).unwrap();
    }
    consumer.assign(&assignment).unwrap();
    let (deadline, mut records) = (Instant::now() + SOON, Vec::with_capacity(wanted));
    while records.len() < wanted {
        assert!(Instant::now() < deadline, "only {} of {wanted} records could be read", records.len());
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message.unwrap();
        let headers = message.headers().map_or_else(Vec::new, |headers| {
            headers.iter().map(|header| (header.key.to_owned(), header.value.unwrap().to_vec())).collect()
        });
        let record = WireRecord {
            key: message.key().unwrap().to_vec(),
            value: message.payload().unwrap().to_vec(),
            headers,
        };
        records.push(ReadRecord { partition: message.partition(), record });
    }
    records
}

/// A real Kafka and names for two topics of one test.
#[derive(Clone)]
pub(crate) struct RealKafka {
    pub(crate) brokers: String,
    pub(crate) topics: [String; 2],
}

impl RealKafka {
    pub(crate) fn connection(&self) -> KafkaConnection {
        KafkaConnection::in_the_clear(&self.brokers)
    }
}

/// Runs a test on the real Kafka. The topics that it makes by the names it is given are deleted afterwards,
/// however it ends.
pub(crate) async fn with_real_kafka<Fut>(test: impl FnOnce(RealKafka) -> Fut)
where
    Fut: Future<Output = ()>,
{
    let Some(brokers) = server("TEST_KAFKA_BROKERS", "TEST_SKIP_KAFKA") else { return };
    let topics = [unique_name("it.user-a"), unique_name("it.user-b")];
    let kafka = RealKafka { brokers: brokers.clone(), topics: topics.clone() };
    let outcome = AssertUnwindSafe(test(kafka)).catch_unwind().await;
    // Those that were not made are not there to be deleted, which is as good.
    let options = AdminOptions::new().operation_timeout(Some(CALL));
    let _outcomes =
        admin(&brokers).delete_topics(&topics.each_ref().map(String::as_str), &options).await.unwrap();
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

pub(crate) fn admin(brokers: &str) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap()
}
