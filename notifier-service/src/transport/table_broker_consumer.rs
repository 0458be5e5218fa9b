use std::time::Duration;

use async_trait::async_trait;
use shared_kernel::WireRecord;
use table_broker::{BrokerError, Consumer, ConsumerOptions, Record, StartAt, TableBroker};

use super::{ConsumeError, ConsumerMonitor, EventConsumer, PartitionLag};
use crate::entities::{Place, ReceivedRecord};

/// The most records of one batch, and so of one ledger transaction.
const MAX_BATCH: usize = 500;
/// How long one poll waits; then the next one follows.
const POLL_WAIT: Duration = Duration::from_secs(60);

/// Reads the topic from table-broker.
pub struct TableBrokerConsumer {
    consumer: Consumer,
    topic: String,
    /// The last batch as the broker knows it, which is what it commits.
    in_hand: Vec<Record>,
}

impl TableBrokerConsumer {
    /// A new member of that group. A group that is new starts at the oldest record.
    pub fn new(broker: &TableBroker, group: &str, topic: &str) -> Self {
        let options = ConsumerOptions { start: StartAt::Beginning, ..ConsumerOptions::default() };
        let consumer = broker.consumer(group, topic, options);
        Self { consumer, topic: topic.to_owned(), in_hand: Vec::new() }
    }

    fn received(&self, record: &Record) -> ReceivedRecord {
        ReceivedRecord {
            place: Place {
                topic: self.topic.clone(),
                partition: i32::try_from(record.place.partition).unwrap_or(i32::MAX),
                offset: i64::try_from(record.place.offset).unwrap_or(i64::MAX),
            },
            record: WireRecord {
                key: record.key.clone(),
                value: record.value.clone(),
                headers: record.headers.clone(),
            },
        }
    }
}

/// Looks at how far a group is on table-broker.
pub struct TableBrokerConsumerMonitor {
    broker: TableBroker,
    group: String,
    topic: String,
}

impl TableBrokerConsumerMonitor {
    /// Of that group.
    pub fn new(broker: TableBroker, group: &str, topic: &str) -> Self {
        Self { broker, group: group.to_owned(), topic: topic.to_owned() }
    }
}

#[async_trait]
impl ConsumerMonitor for TableBrokerConsumerMonitor {
    async fn check(&self) -> Result<(), ConsumeError> {
        self.lag().await.map(drop)
    }

    /// Of all partitions, whoever reads them.
    async fn lag(&self) -> Result<Vec<PartitionLag>, ConsumeError> {
        let lags = self.broker.lag_by_partition(&self.group, &self.topic).await;
        let lags = lags.map_err(|error| failed("look at the topic", error))?;
        let lag = |(partition, records)| PartitionLag {
            partition: i32::try_from(partition).unwrap_or(i32::MAX),
            records,
        };
        Ok(lags.into_iter().map(lag).collect())
    }
}

#[async_trait]
impl EventConsumer for TableBrokerConsumer {
    async fn next_batch(&mut self) -> Result<Vec<ReceivedRecord>, ConsumeError> {
        loop {
            self.in_hand =
                self.consumer.poll(MAX_BATCH, POLL_WAIT).await.map_err(|error| failed("read", error))?;
            if !self.in_hand.is_empty() {
                return Ok(self.in_hand.iter().map(|record| self.received(record)).collect());
            }
        }
    }

    async fn commit(&mut self, _batch: &[ReceivedRecord]) -> Result<(), ConsumeError> {
        match self.consumer.commit(&self.in_hand).await {
            Ok(()) => Ok(()),
            Err(error @ BrokerError::Fenced { .. }) => {
                tracing::info!(
                    error = &error as &dyn std::error::Error,
                    "another member reads this partition now"
                );
                Ok(())
            }
            Err(error) => Err(failed("store the offsets", error)),
        }
    }

    async fn close(self: Box<Self>) -> Result<(), ConsumeError> {
        self.consumer.close().await.map_err(|error| failed("leave the group", error))
    }
}

fn failed(action: &'static str, error: BrokerError) -> ConsumeError {
    ConsumeError { action, source: error.into() }
}
