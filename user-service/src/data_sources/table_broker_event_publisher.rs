use async_trait::async_trait;
use shared_kernel::{UserEvent, encode};
use table_broker::{NewRecord, TableBroker};

use crate::repositories::{EventPublisher, PublishError, PublishFailure};

/// Events to a topic of the table-broker: a batch is there wholly or not at all.
#[derive(Clone)]
pub struct TableBrokerEventPublisher {
    broker: TableBroker,
    topic: String,
}

impl TableBrokerEventPublisher {
    /// Publishes to `topic`, which must exist.
    pub fn new(broker: TableBroker, topic: &str) -> Self {
        Self { broker, topic: topic.to_owned() }
    }
}

#[async_trait]
impl EventPublisher for TableBrokerEventPublisher {
    async fn publish(&self, events: &[UserEvent]) -> Result<(), PublishError> {
        let records: Vec<_> = events
            .iter()
            .map(|event| {
                let record = encode(event);
                NewRecord { key: record.key, value: record.value, headers: record.headers }
            })
            .collect();
        match self.broker.append(&self.topic, &records).await {
            Ok(_places) => Ok(()),
            // Nothing of the batch is refused for its content, so every failure may pass.
            Err(error) => {
                Err(PublishError { acknowledged: 0, failure: PublishFailure::Unavailable(Box::new(error)) })
            }
        }
    }
}
