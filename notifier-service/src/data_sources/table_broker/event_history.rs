use async_trait::async_trait;
use chrono::{DateTime, Utc};
use table_broker::{BrokerError, TableBroker};

use crate::repositories::{EventHistory, EventHistoryError};

/// How old the records of table-broker topics are, by the time at which they were appended.
pub struct TableBrokerEventHistory {
    broker: TableBroker,
    topics: Vec<String>,
}

impl TableBrokerEventHistory {
    /// Of those topics.
    pub fn new(broker: TableBroker, topics: Vec<String>) -> Self {
        Self { broker, topics }
    }

    async fn topic_reaches_before(&self, topic: &str, time: DateTime<Utc>) -> Result<bool, BrokerError> {
        for partition in 0.. {
            match self.broker.records(topic, partition, 0, 1).await {
                Ok(oldest) if oldest.iter().any(|it| it.appended_at_ms < time.timestamp_millis()) => {
                    return Ok(true);
                }
                Ok(_) => {}
                // The last partition was the one before.
                Err(BrokerError::PartitionMissing { .. }) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}

#[async_trait]
impl EventHistory for TableBrokerEventHistory {
    async fn reaches_before(&self, time: DateTime<Utc>) -> Result<bool, EventHistoryError> {
        for topic in &self.topics {
            let reaches = self.topic_reaches_before(topic, time).await;
            if reaches.map_err(|error| EventHistoryError(error.into()))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
