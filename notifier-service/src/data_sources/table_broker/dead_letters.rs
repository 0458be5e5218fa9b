use async_trait::async_trait;
use shared_kernel::dead_letter_topic;
use table_broker::{BrokerError, NewRecord, TableBroker};

use crate::data_sources::dead_letter_headers::with_reason;
use crate::repositories::{DeadLetter, DeadLetters, DeadLettersError};

/// Dead letters as records of a table-broker topic.
pub struct TableBrokerDeadLetters {
    broker: TableBroker,
}

impl TableBrokerDeadLetters {
    /// Writes to the [`dead_letter_topic`] of each letter's topic, which must exist.
    pub fn new(broker: TableBroker) -> Self {
        Self { broker }
    }
}

#[async_trait]
impl DeadLetters for TableBrokerDeadLetters {
    async fn put(&self, letter: &DeadLetter) -> Result<(), DeadLettersError> {
        let record = NewRecord {
            key: letter.received.record.key.clone(),
            value: letter.received.record.value.clone(),
            headers: with_reason(letter),
        };
        let topic = dead_letter_topic(&letter.received.place.topic);
        self.broker.append(&topic, &[record]).await.map(drop).map_err(by_fault)
    }
}

fn by_fault(error: BrokerError) -> DeadLettersError {
    if error.is_retryable() {
        DeadLettersError::Unavailable(error.into())
    } else {
        DeadLettersError::Refused(error.into())
    }
}
