//! The two event logs behind one face.

use std::time::Duration;

use async_trait::async_trait;
use kafka_connection::KafkaConnection;
use notifier_service::transport::{EventConsumer, KafkaConsumer, KafkaConsumerSettings, TableBrokerConsumer};
use shared_kernel::{CDC_PARTITIONS, dead_letter_topic};
use system_tests::{KafkaTopic, Server};
use table_broker::TableBroker;
use tempfile::TempDir;
use user_service::data_sources::{KafkaEventPublisher, TableBrokerEventPublisher, create_missing_topics};
use user_service::repositories::EventPublisher;

/// How long a call on the broker may take before it counts as failed.
const PUBLISH_DEADLINE: Duration = Duration::from_secs(30);
/// The least that Kafka's brokers allow by default.
const SESSION_TIMEOUT: Duration = Duration::from_secs(6);

#[async_trait]
pub(super) trait EventLog: Send + Sync {
    fn publisher(&self) -> Box<dyn EventPublisher>;
    /// A new member of that group.
    fn join(&self, group: &str) -> Box<dyn EventConsumer>;
    async fn remove(self: Box<Self>);
}

struct TableLog {
    broker: TableBroker,
    _folder: TempDir,
}

const TABLE_TOPIC: &str = "events";

pub(super) async fn table_broker() -> Option<Box<dyn EventLog>> {
    let folder = tempfile::tempdir().unwrap();
    let broker = TableBroker::open_sqlite(&folder.path().join("broker.db")).await.unwrap();
    broker.create_topic(TABLE_TOPIC, CDC_PARTITIONS).await.unwrap();
    broker.create_topic(&dead_letter_topic(TABLE_TOPIC), CDC_PARTITIONS).await.unwrap();
    Some(Box::new(TableLog { broker, _folder: folder }))
}

#[async_trait]
impl EventLog for TableLog {
    fn publisher(&self) -> Box<dyn EventPublisher> {
        Box::new(TableBrokerEventPublisher::new(self.broker.clone(), TABLE_TOPIC))
    }

    fn join(&self, group: &str) -> Box<dyn EventConsumer> {
        Box::new(TableBrokerConsumer::new(&self.broker, group, TABLE_TOPIC))
    }

    async fn remove(self: Box<Self>) {
        self.broker.close().await;
    }
}

struct KafkaLog {
    kafka: KafkaConnection,
    topic: KafkaTopic,
}

pub(super) async fn kafka() -> Option<Box<dyn EventLog>> {
    let brokers = Server::Kafka.address()?;
    let topic = KafkaTopic::named(&brokers, "event_log");
    let kafka = KafkaConnection::in_the_clear(&brokers);
    create_missing_topics(&kafka, &[topic.name(), &dead_letter_topic(topic.name())]).await.unwrap();
    Some(Box::new(KafkaLog { kafka, topic }))
}

#[async_trait]
impl EventLog for KafkaLog {
    fn publisher(&self) -> Box<dyn EventPublisher> {
        Box::new(KafkaEventPublisher::new(&self.kafka, self.topic.name(), PUBLISH_DEADLINE))
    }

    fn join(&self, group: &str) -> Box<dyn EventConsumer> {
        let settings = KafkaConsumerSettings {
            connection: self.kafka.clone(),
            // Groups outlive their topic on the brokers, so their names are a test's own too.
            group: format!("{}-{group}", self.topic.name()),
            topic: self.topic.name().to_owned(),
            session_timeout: SESSION_TIMEOUT,
        };
        Box::new(KafkaConsumer::subscribe(&settings).unwrap())
    }

    async fn remove(self: Box<Self>) {
        self.topic.delete().await;
    }
}
