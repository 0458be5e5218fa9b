//! A broker in a folder of its own, and ways to wait for a condition.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use table_broker::{Consumer, ConsumerOptions, NewRecord, Place, Record, TableBroker};
use tempfile::TempDir;
use tokio::time::Instant;

/// The topic of every test.
pub(crate) const TOPIC: &str = "cdc.test";
/// How long a condition may take to come true.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
/// How long a poll in a loop waits for records.
pub(crate) const STEP: Duration = Duration::from_millis(20);

/// A broker whose file is deleted at the end.
pub(crate) struct Fixture {
    pub(crate) broker: TableBroker,
    directory: TempDir,
}

impl Fixture {
    /// A broker with [`TOPIC`].
    pub(crate) async fn with_partitions(partitions: u32) -> Self {
        let directory = tempfile::tempdir().expect("the temporary folder is writable");
        let path = directory.path().join("broker.db");
        let broker = TableBroker::open_sqlite(&path).await.expect("an empty file opens");
        broker.create_topic(TOPIC, partitions).await.expect("the topic is new");
        Self { broker, directory }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("broker.db")
    }

    /// Another handle on the same file, which shares nothing else: as another process would.
    pub(crate) async fn another_process(&self) -> TableBroker {
        TableBroker::open_sqlite(&self.path()).await.expect("the file opens twice")
    }

    /// Appends records with the keys and values `0`, `1`, … up to `count`.
    pub(crate) async fn append_numbered(&self, count: usize) -> Vec<Place> {
        append_numbered(&self.broker, 0, count).await
    }

    /// A member of the group "readers" that nobody will think expired.
    pub(crate) fn consumer(&self) -> Consumer {
        self.broker.consumer("readers", TOPIC, patient())
    }
}

/// Appends records with the keys and values `from`, `from + 1`, … : `count` of them.
pub(crate) async fn append_numbered(broker: &TableBroker, from: usize, count: usize) -> Vec<Place> {
    let records: Vec<_> = (from..from + count).map(numbered).collect();
    broker.append(TOPIC, &records).await.expect("the topic exists")
}

/// A record with this number as its key and value.
pub(crate) fn numbered(number: usize) -> NewRecord {
    record(&number.to_string(), &number.to_string())
}

/// A record without headers.
pub(crate) fn record(key: &str, value: &str) -> NewRecord {
    NewRecord { key: key.into(), value: value.into(), headers: vec![] }
}

/// Options with a lease that no test outlives.
pub(crate) fn patient() -> ConsumerOptions {
    ConsumerOptions { member_lease: Duration::from_secs(60), ..ConsumerOptions::default() }
}

/// Options with a lease that runs out within a test.
pub(crate) fn hasty() -> ConsumerOptions {
    ConsumerOptions { member_lease: Duration::from_millis(300), ..ConsumerOptions::default() }
}

/// The value as text.
pub(crate) fn text(record: &Record) -> String {
    String::from_utf8_lossy(&record.value).into_owned()
}

/// The values as text, in order.
pub(crate) fn texts(records: &[Record]) -> Vec<String> {
    records.iter().map(text).collect()
}

/// Polls until `count` records have come.
pub(crate) async fn read(consumer: &mut Consumer, count: usize) -> Vec<Record> {
    let deadline = Instant::now() + DEADLINE;
    let mut records = vec![];
    while records.len() < count {
        assert!(Instant::now() < deadline, "{} of {count} records came", records.len());
        records.extend(consumer.poll(count - records.len(), STEP).await.expect("poll succeeds"));
    }
    records
}

/// Polls all consumers in turn, reading nothing, until what they are assigned is as wanted.
pub(crate) async fn settle(consumers: &mut [&mut Consumer], wanted: impl Fn(&[Vec<u32>]) -> bool) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let mut assigned = vec![];
        for consumer in consumers.iter_mut() {
            consumer.poll(0, Duration::ZERO).await.expect("poll succeeds");
            assigned.push(consumer.assigned());
        }
        let disjoint: BTreeSet<_> = assigned.iter().flatten().collect();
        if disjoint.len() == assigned.iter().map(Vec::len).sum::<usize>() && wanted(&assigned) {
            return;
        }
        assert!(Instant::now() < deadline, "assigned: {assigned:?}");
        tokio::task::yield_now().await;
    }
}

/// A condition for [`settle`]: so many partitions each.
pub(crate) fn counts<const N: usize>(wanted: [usize; N]) -> impl Fn(&[Vec<u32>]) -> bool {
    move |assigned| assigned.iter().map(Vec::len).eq(wanted)
}
