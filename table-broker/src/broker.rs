//! The broker: topics, appending, retention, and consumers to read with.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::consumer::{Consumer, ConsumerOptions};
use crate::error::BrokerError;
use crate::records::{NewRecord, Place, Record};
use crate::sqlite::SqliteStore;

/// A handle on the broker's tables. Clones share connections and wake each other's consumers; handles opened apart,
/// in this or other processes, can use the same file at the same time and find each other's records by polling.
#[derive(Debug, Clone)]
pub struct TableBroker {
    store: SqliteStore,
    /// Changes whenever consumers of this process have a reason to look at the tables.
    news: Arc<watch::Sender<()>>,
}

impl TableBroker {
    /// Opens the broker's `SQLite` file, creating it when missing (its folder must exist), and brings its schema up to
    /// date. The tables and the migrator's bookkeeping are named `broker_…`, so that the file can be shared.
    ///
    /// Writes are durable when they return (WAL, `synchronous=FULL`) and wait up to 10 seconds for those of other
    /// processes.
    ///
    /// # Errors
    /// [`BrokerError::Open`], [`BrokerError::Migrate`].
    pub async fn open_sqlite(path: &Path) -> Result<Self, BrokerError> {
        let store = SqliteStore::open(path).await?;
        Ok(Self { store, news: Arc::new(watch::Sender::new(())) })
    }

    /// Creates a topic. One that exists with as many partitions is left as it is.
    ///
    /// # Errors
    /// [`BrokerError::PartitionCountDiffers`] if it exists with another number of partitions,
    /// [`BrokerError::NoPartitions`] for 0, [`BrokerError::Database`], [`BrokerError::Closed`].
    ///
    /// # Cancel safety
    /// A cancelled call has created the whole topic or nothing.
    pub async fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), BrokerError> {
        self.store.create_topic(topic, partitions).await
    }

    /// Appends records, all or none, in one transaction, and returns their places in the same order. Records of one
    /// partition get consecutive offsets, in the order given.
    ///
    /// Concurrent appends take turns: a reader that sees an offset sees every smaller one too.
    ///
    /// # Errors
    /// [`BrokerError::TopicMissing`], [`BrokerError::Database`], [`BrokerError::Closed`]. After an error nothing was
    /// appended, unless it is one of I/O during the commit itself, which leaves that open.
    ///
    /// # Cancel safety
    /// A cancelled call has appended all records or none; which, is not known.
    pub async fn append(&self, topic: &str, records: &[NewRecord]) -> Result<Vec<Place>, BrokerError> {
        if records.is_empty() {
            return Ok(vec![]);
        }
        let places = self.store.append(topic, records).await?;
        self.announce();
        Ok(places)
    }

    /// A new member of a consumer group, to read a topic with. It joins the group in its first
    /// [`poll`](Consumer::poll); nothing is read or written, or found missing, before.
    pub fn consumer(&self, group: &str, topic: &str, options: ConsumerOptions) -> Consumer {
        Consumer::new(self.clone(), group, topic, options)
    }

    /// How many records the group has not committed. For a group that nobody has joined yet: all that there are.
    ///
    /// # Errors
    /// [`BrokerError::TopicMissing`], [`BrokerError::Database`], [`BrokerError::Closed`].
    pub async fn lag(&self, group: &str, topic: &str) -> Result<u64, BrokerError> {
        Ok(self.lag_by_partition(group, topic).await?.into_iter().map(|(_partition, lag)| lag).sum())
    }

    /// As [`lag`](Self::lag), of each partition, in their order.
    ///
    /// # Errors
    /// [`BrokerError::TopicMissing`], [`BrokerError::Database`], [`BrokerError::Closed`].
    pub async fn lag_by_partition(&self, group: &str, topic: &str) -> Result<Vec<(u32, u64)>, BrokerError> {
        self.store.lag_by_partition(group, topic).await
    }

    /// Reads up to `max` records of a partition from the offset `from` on, in order, without a group. Where retention
    /// has deleted records at `from`, reading starts after those; an offset that isn't reached yet gives no records.
    ///
    /// # Errors
    /// [`BrokerError::TopicMissing`], [`BrokerError::PartitionMissing`], [`BrokerError::HeadersUnreadable`],
    /// [`BrokerError::Database`], [`BrokerError::Closed`].
    pub async fn records(
        &self,
        topic: &str,
        partition: u32,
        from: u64,
        max: usize,
    ) -> Result<Vec<Record>, BrokerError> {
        self.store.records(topic, partition, from, max).await
    }

    /// Retention: deletes up to `max` of the topic's records that were appended at least `age` ago, by the database's
    /// clock, oldest first within a partition, in one transaction. Returns how many; call again while that is `max`,
    /// so that writers get their turn in between.
    ///
    /// As in Kafka, age alone decides: records that a group has not committed are deleted too (a warning is logged),
    /// and the group continues with what is left. Offsets are never used again.
    ///
    /// # Errors
    /// [`BrokerError::TopicMissing`], [`BrokerError::Database`], [`BrokerError::Closed`].
    ///
    /// # Cancel safety
    /// A cancelled call has deleted one whole batch or nothing.
    pub async fn delete_before(&self, topic: &str, age: Duration, max: u32) -> Result<u64, BrokerError> {
        self.store.delete_before(topic, age, max).await
    }

    /// Waits for running operations and closes the file. Every later call on this handle, its clones and their
    /// consumers fails with [`BrokerError::Closed`]. Close consumers first, or their partitions stay with them until
    /// their leases expire.
    pub async fn close(&self) {
        self.store.close().await;
        self.announce();
    }

    pub(crate) fn store(&self) -> &SqliteStore {
        &self.store
    }

    /// Lets the waiting consumers of this process look at the tables.
    pub(crate) fn announce(&self) {
        self.news.send_replace(());
    }

    /// Changes with each [`announce`](Self::announce).
    pub(crate) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }
}
