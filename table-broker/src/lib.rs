//! A message broker on plain SQL tables: topics, partitions, consumer groups.
//!
//! A topic is a number of partitions, each a sequence of records whose offsets are contiguous in the order in which
//! appends were committed. A record's key decides its partition, so records of one key stay in order. The members of
//! a consumer group share a topic's partitions by leasing them, and the group has one committed offset in each.
//! Delivery is at least once: whatever was read and not committed is read again after a crash or a change of
//! holder, so consumers must tolerate repeats.
//!
//! Today the tables are `SQLite`'s, in one file that any number of processes of one machine can use at the same time.
//! Where that is not enough, Kafka is the answer; keys go to the same partitions there ([`partition_for`]).
//!
//! ```
//! use std::time::Duration;
//! use table_broker::{ConsumerOptions, NewRecord, TableBroker};
//!
//! # async fn example(directory: &std::path::Path) -> Result<(), table_broker::BrokerError> {
//! let broker = TableBroker::open_sqlite(&directory.join("broker.db")).await?;
//! broker.create_topic("greetings", 4).await?;
//! let hello = NewRecord { key: b"ada".to_vec(), value: b"hello".to_vec(), headers: vec![] };
//! broker.append("greetings", &[hello]).await?;
//!
//! let mut consumer = broker.consumer("readers", "greetings", ConsumerOptions::default());
//! let records = consumer.poll(500, Duration::from_secs(1)).await?;
//! assert_eq!(records[0].value, b"hello");
//! consumer.commit(&records).await?;
//! consumer.close().await?;
//! assert_eq!(broker.lag("readers", "greetings").await?, 0);
//! broker.close().await;
//! # Ok(())
//! # }
//! # let directory = tempfile::tempdir().unwrap();
//! # tokio::runtime::Runtime::new().unwrap().block_on(example(directory.path())).unwrap();
//! ```

mod broker;
mod consumer;
mod error;
mod partitioner;
mod records;
mod shares;
mod sqlite;

pub use broker::TableBroker;
pub use consumer::{Consumer, ConsumerOptions, StartAt};
pub use error::BrokerError;
pub use partitioner::partition_for;
pub use records::{NewRecord, Place, Record};
