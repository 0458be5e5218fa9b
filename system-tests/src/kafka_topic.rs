use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use shared_kernel::{CDC_PARTITIONS, WireRecord, dead_letter_topic};

use crate::servers::unique_name;

const TIMEOUT: Duration = Duration::from_secs(10);

/// A topic of a test's own, with its dead-letter topic. [`delete`](Self::delete) removes both.
pub struct KafkaTopic {
    brokers: String,
    name: String,
}

impl KafkaTopic {
    /// Only makes up a name; whoever is tested creates the topic.
    pub fn named(brokers: &str, what: &str) -> Self {
        Self { brokers: brokers.to_owned(), name: unique_name(what) }
    }

    /// One that is there already.
    pub(crate) fn existing(brokers: &str, name: &str) -> Self {
        Self { brokers: brokers.to_owned(), name: name.to_owned() }
    }

    /// Creates it with its dead-letter topic, for a test without a relay.
    ///
    /// # Panics
    ///
    /// When the brokers refuse.
    pub async fn create(&self) {
        let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .create()
            .expect("these settings are fine");
        let dead_letters = dead_letter_topic(&self.name);
        let topics = [self.name.as_str(), &dead_letters]
            .map(|name| NewTopic::new(name, CDC_PARTITIONS as i32, TopicReplication::Fixed(1)));
        let created = admin.create_topics(&topics, &AdminOptions::new()).await.expect("the brokers answer");
        assert!(created.iter().all(Result::is_ok), "{created:?}");
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every record that is on the topic now, in order per partition.
    ///
    /// # Panics
    ///
    /// When the brokers do not answer.
    pub fn records(&self) -> Vec<WireRecord> {
        self.read(&self.name)
    }

    /// Every record that is on the dead-letter topic now.
    ///
    /// # Panics
    ///
    /// When the brokers do not answer.
    pub fn dead_letters(&self) -> Vec<WireRecord> {
        self.read(&dead_letter_topic(&self.name))
    }

    /// How many records of the topic that group has not committed yet; `None` while the brokers cannot tell, as for a
    /// moment after their start.
    ///
    /// # Panics
    ///
    /// When the brokers do not answer.
    pub fn lag(&self, group: &str) -> Option<i64> {
        let consumer = self.consumer(group);
        let mut partitions = TopicPartitionList::new();
        partitions.add_partition_range(&self.name, 0, CDC_PARTITIONS as i32 - 1);
        let committed = consumer.committed_offsets(partitions, TIMEOUT).ok()?;
        let left = committed.elements().into_iter().map(|partition| {
            let (low, high) = consumer
                .fetch_watermarks(&self.name, partition.partition(), TIMEOUT)
                .expect("the brokers answer");
            high - partition.offset().to_raw().filter(|offset| *offset >= 0).unwrap_or(low)
        });
        Some(left.sum())
    }

    fn consumer(&self, group: &str) -> BaseConsumer {
        ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .create()
            .expect("these settings are fine")
    }

    fn read(&self, topic: &str) -> Vec<WireRecord> {
        let consumer = self.consumer(&unique_name("reader"));
        let mut assignment = TopicPartitionList::new();
        let mut expected = 0;
        for partition in 0..CDC_PARTITIONS as i32 {
            let (low, high) =
                consumer.fetch_watermarks(topic, partition, TIMEOUT).expect("the brokers answer");
            expected += usize::try_from(high - low).expect("offsets rise");
            assignment
                .add_partition_offset(topic, partition, Offset::Beginning)
                .expect("the offset is valid");
        }
        consumer.assign(&assignment).expect("the partitions exist");
        let mut records = Vec::with_capacity(expected);
        while records.len() < expected {
            let message =
                consumer.poll(TIMEOUT).expect("the records arrive in time").expect("the brokers answer");
            let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
            records.push(WireRecord {
                key: message.key().unwrap_or_default().to_vec(),
                value: message.payload().unwrap_or_default().to_vec(),
                headers: headers
                    .map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec()))
                    .collect(),
            });
        }
        records
    }

    /// Removes the topic and its dead-letter topic.
    ///
    /// # Panics
    ///
    /// When the brokers refuse.
    pub async fn delete(self) {
        delete_topics(&self.brokers, &[&self.name, &dead_letter_topic(&self.name)]).await;
    }
}

/// Removes topics.
///
/// # Panics
///
/// When the brokers refuse.
pub async fn delete_topics(brokers: &str, names: &[&str]) {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", brokers).create().expect("these settings are fine");
    admin.delete_topics(names, &AdminOptions::new()).await.expect("a test may delete its own topics");
}
