use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kafka_connection::KafkaConnection;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::BorrowedMessage;
use rdkafka::{ClientConfig, Message as _, Offset, Timestamp, TopicPartitionList};
use shared_kernel::CDC_PARTITIONS;
use system_tests::{delete_topics, unique_name};
use tokio::task::spawn_blocking;
use user_service::data_sources::create_missing_topics;

use crate::Failure;
use crate::cleanup::Cleanup;

const TIMEOUT: Duration = Duration::from_secs(30);

const PARTITIONS: i32 = CDC_PARTITIONS as i32;

/// A topic of a benchmark's own, in which the broker stamps each record with the time at which it takes it.
#[derive(Clone)]
pub(crate) struct Topic {
    name: String,
    consumer: Arc<BaseConsumer>,
}

impl Topic {
    /// Makes it, with as many partitions as `user-service migrate` does. It is removed with the cleanup, if not before.
    pub(crate) async fn create(brokers: &str, what: &str, cleanup: &Cleanup) -> Result<Self, Failure> {
        let name = unique_name(what);
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", brokers).create()?;
        let wanted = NewTopic::new(&name, PARTITIONS, TopicReplication::Fixed(-1))
            .set("message.timestamp.type", "LogAppendTime");
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT)).request_timeout(Some(TIMEOUT));
        let (doomed, broker) = (name.clone(), brokers.to_owned());
        cleanup.add(move || async move { delete_topics(&broker, &[&doomed]).await });
        for outcome in admin.create_topics(&[wanted], &options).await? {
            outcome.map_err(|(_, code)| format!("the topic {name} cannot be made: {code}"))?;
        }
        // It is there; this waits until each partition has a leader.
        create_missing_topics(&KafkaConnection::in_the_clear(brokers), &[&name]).await?;
        let consumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("group.id", &name)
            .set("enable.auto.commit", "false")
            .create()?;
        Ok(Self { name, consumer: Arc::new(consumer) })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How many records are on it.
    pub(crate) async fn count(&self) -> Result<u64, Failure> {
        self.with_consumer(|topic| Ok(topic.ends()?.values().sum::<i64>().try_into()?)).await
    }

    /// When the broker took its first and its last record.
    pub(crate) async fn first_and_last(&self) -> Result<(Duration, Duration), Failure> {
        self.with_consumer(|topic| {
            let (mut first, mut last) = (Duration::MAX, Duration::ZERO);
            for (partition, end) in topic.ends()?.into_iter().filter(|(_, end)| *end > 0) {
                first = first.min(topic.taken_at(partition, 0)?);
                last = last.max(topic.taken_at(partition, end - 1)?);
            }
            Ok((first, last))
        })
        .await
    }

    /// Hands over every record that is on it now, partition by partition in order.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        mut sink: T,
        take: impl Fn(&mut T, &BorrowedMessage<'_>) -> Result<(), Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.with_consumer(move |topic| {
            let mut ends = topic.ends()?;
            ends.retain(|_, end| *end > 0);
            topic.assign(ends.keys().map(|partition| (*partition, 0)))?;
            while !ends.is_empty() {
                let message = topic.next()?;
                take(&mut sink, &message)?;
                if ends.get(&message.partition()) == Some(&(message.offset() + 1)) {
                    ends.remove(&message.partition());
                }
            }
            Ok(sink)
        })
        .await
    }

    /// Removes it now, so that the records of one run do not fill the disk for the next.
    pub(crate) async fn delete(self, brokers: &str) {
        delete_topics(brokers, &[&self.name]).await;
    }

    /// librdkafka's calls wait for the broker.
    async fn with_consumer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let topic = self.clone();
        spawn_blocking(move || work(&topic)).await?
    }

    /// Where each partition ends, which is how many records it has had: none is ever removed.
    fn ends(&self) -> Result<HashMap<i32, i64>, Failure> {
        let end = |partition| {
            let (_, end) = self.consumer.fetch_watermarks(&self.name, partition, TIMEOUT)?;
            Ok((partition, end))
        };
        (0..PARTITIONS).map(end).collect()
    }

    fn taken_at(&self, partition: i32, offset: i64) -> Result<Duration, Failure> {
        self.assign([(partition, offset)])?;
        match self.next()?.timestamp() {
            Timestamp::LogAppendTime(milliseconds) => Ok(Duration::from_millis(milliseconds.try_into()?)),
            other => Err(format!("the broker did not stamp the record: {other:?}").into()),
        }
    }

    fn assign(&self, places: impl IntoIterator<Item = (i32, i64)>) -> Result<(), Failure> {
        let mut assignment = TopicPartitionList::new();
        for (partition, offset) in places {
            assignment.add_partition_offset(&self.name, partition, Offset::Offset(offset))?;
        }
        Ok(self.consumer.assign(&assignment)?)
    }

    fn next(&self) -> Result<BorrowedMessage<'_>, Failure> {
        Ok(self.consumer.poll(TIMEOUT).ok_or("the brokers do not give back what is on the topic")??)
    }
}
