use async_trait::async_trait;
use chrono::DateTime;
use shared_kernel::{WireRecord, dead_letter_topic};
use table_broker::{BrokerError, Record, TableBroker};

use crate::data_sources::dead_letter_headers::without_reason;
use crate::entities::Place;
use crate::repositories::{DeadLetterLog, DeadLetterLogError, LoggedLetter};

/// How many records are read at once.
const PAGE: usize = 500;

/// The dead letters on a table-broker topic.
pub struct TableBrokerDeadLetterLog {
    broker: TableBroker,
    topic: String,
}

impl TableBrokerDeadLetterLog {
    /// Those of that topic: what lies on its [`dead_letter_topic`].
    pub fn new(broker: TableBroker, topic: &str) -> Self {
        Self { broker, topic: dead_letter_topic(topic) }
    }

    fn logged(&self, partition: i32, record: Record) -> LoggedLetter {
        let Record { place, key, value, headers, appended_at_ms } = record;
        let offset = i64::try_from(place.offset).unwrap_or(i64::MAX);
        let place = Place { topic: self.topic.clone(), partition, offset };
        LoggedLetter {
            place: place.clone(),
            set_aside_at: DateTime::from_timestamp_millis(appended_at_ms),
            letter: without_reason(place, WireRecord { key, value, headers }),
        }
    }
}

#[async_trait]
impl DeadLetterLog for TableBrokerDeadLetterLog {
    async fn partitions(&self) -> Result<Vec<i32>, DeadLetterLogError> {
        // No topic has that partition, and the answer says how many there are.
        match self.broker.records(&self.topic, u32::MAX, 0, 1).await {
            Ok(_) => Ok(Vec::new()),
            Err(BrokerError::PartitionMissing { partitions, .. }) => {
                Ok((0..partitions.cast_signed()).collect())
            }
            Err(error) => Err(by_fault(error)),
        }
    }

    async fn letters(&self, partition: i32) -> Result<Vec<LoggedLetter>, DeadLetterLogError> {
        let mut letters = Vec::new();
        let mut next = 0;
        loop {
            let page = self.broker.records(&self.topic, partition.cast_unsigned(), next, PAGE).await;
            let page = page.map_err(by_fault)?;
            let is_last = page.len() < PAGE;
            next = page.last().map_or(next, |record| record.place.offset + 1);
            letters.extend(page.into_iter().map(|record| self.logged(partition, record)));
            if is_last {
                return Ok(letters);
            }
        }
    }
}

fn by_fault(error: BrokerError) -> DeadLetterLogError {
    if error.is_retryable() {
        DeadLetterLogError::Unavailable(error.into())
    } else {
        DeadLetterLogError::Unreadable(error.into())
    }
}
