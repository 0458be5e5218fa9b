//! What only Kafka can do to a consumer, on librdkafka's own mock of a cluster.

use std::time::Duration;

use kafka_connection::KafkaConnection;
use notifier_service::transport::{EventConsumer, KafkaConsumer, KafkaConsumerSettings};
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureProducer, FutureRecord};
use shared_kernel::{CDC_TOPIC, WireRecord, dead_letter_topic};

use crate::event_consumer_contract::read;
use crate::support::DEADLINE;
use crate::support::events::record;

/// A Kafka in memory, with one broker and both topics.
pub(crate) struct MockKafka {
    cluster: MockCluster<'static, DefaultProducerContext>,
    producer: FutureProducer,
}

impl MockKafka {
    pub(crate) fn start() -> Self {
        let cluster = MockCluster::new(1).unwrap();
        for topic in [CDC_TOPIC, &dead_letter_topic(CDC_TOPIC)] {
            cluster.create_topic(topic, 1, 1).unwrap();
        }
        let producer =
            ClientConfig::new().set("bootstrap.servers", cluster.bootstrap_servers()).create().unwrap();
        Self { cluster, producer }
    }

    pub(crate) fn brokers(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    pub(crate) async fn append(&self, record: &WireRecord) {
        let headers = record.headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: Some(value) })
        });
        let record = FutureRecord::to(CDC_TOPIC).key(&record.key).payload(&record.value).headers(headers);
        self.producer.send(record, Duration::from_secs(30)).await.unwrap();
    }

    pub(crate) fn consumer(&self, group: &str, topic: &str) -> KafkaConsumer {
        KafkaConsumer::subscribe(&KafkaConsumerSettings {
            connection: KafkaConnection::in_the_clear(&self.brokers()),
            group: group.to_owned(),
            topic: topic.to_owned(),
            session_timeout: Duration::from_secs(6),
        })
        .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_outlives_a_broker_that_goes_and_comes_back() {
    let kafka = MockKafka::start();
    let mut consumer = kafka.consumer("group", CDC_TOPIC);
    kafka.append(&record(0, 1).record).await;
    let before = read(&mut consumer, 1).await;
    consumer.commit(&before).await.unwrap();

    kafka.cluster.broker_down(1).unwrap();
    // Waiting for a broker that is away is no error that ends the consumer.
    let _ = tokio::time::timeout(Duration::from_millis(500), consumer.next_batch()).await;
    kafka.cluster.broker_up(1).unwrap();

    kafka.append(&record(1, 1).record).await;
    let after = read(&mut consumer, 1).await;
    assert_eq!(after.iter().map(|one| one.place.offset).collect::<Vec<_>>(), [1]);
    Box::new(consumer).close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn committing_what_another_member_reads_now_is_no_error() {
    let kafka = MockKafka::start();
    kafka.append(&record(0, 1).record).await;
    let mut first = kafka.consumer("first", CDC_TOPIC);
    let batch = read(&mut first, 1).await;
    Box::new(first).close().await.unwrap();

    // A member that was never given the partition, as after a rebalance.
    let mut other = kafka.consumer("other", CDC_TOPIC);
    other.commit(&batch).await.unwrap();
    Box::new(other).close().await.unwrap();
}

#[test]
fn leaving_while_the_broker_is_away_does_not_hold_up_the_end_of_the_process() {
    let (ended, has_ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let kafka = runtime.block_on(async {
            let kafka = MockKafka::start();
            let mut consumer = kafka.consumer("group", CDC_TOPIC);
            kafka.append(&record(0, 1).record).await;
            let batch = read(&mut consumer, 1).await;
            consumer.commit(&batch).await.unwrap();
            kafka.cluster.broker_down(1).unwrap();
            // As the loop does, whether or not the consumer could leave by then.
            let _ = tokio::time::timeout(Duration::from_secs(1), Box::new(consumer).close()).await;
            kafka
        });
        // As at the end of `main`: waits for whatever blocks a thread of the runtime.
        drop(runtime);
        ended.send(()).unwrap();
        drop(kafka);
    });
    has_ended.recv_timeout(DEADLINE).expect("an end in time");
}
