use async_trait::async_trait;
use shared_kernel::{UserEvent, encode};
use table_broker::{NewRecord, TableBroker};

use super::overlapping::{Connection, Overlapping};
use crate::repositories::{AdapterError, EventPublisher, PublishError, PublishFailure};

/// Events to a topic of the table-broker: a batch is there wholly or not at all. Calls that overlap take turns.
pub struct TableBrokerEventPublisher {
    broker: TableBroker,
    topic: String,
    calls: Overlapping<TableBroker>,
}

impl Connection for TableBroker {
    /// Each call has a transaction of its own, which ends with it.
    fn abort(&self) {}
}

impl TableBrokerEventPublisher {
    /// Publishes to `topic`, which must exist.
    pub fn new(broker: TableBroker, topic: &str) -> Self {
        Self { broker, topic: topic.to_owned(), calls: Overlapping::new() }
    }

    async fn append(&self, events: &[UserEvent]) -> Result<(), AdapterError> {
        let records: Vec<_> = events
            .iter()
            .map(|event| {
                let record = encode(event);
                NewRecord { key: record.key, value: record.value, headers: record.headers }
            })
            .collect();
        let mut turn = self.calls.turn().await;
        let call = match turn.join()? {
            Some(call) => call,
            None => turn.begin(self.broker.clone()),
        };
        call.connection().append(&self.topic, &records).await?;
        call.done();
        Ok(())
    }
}

#[async_trait]
impl EventPublisher for TableBrokerEventPublisher {
    async fn publish(&self, events: &[UserEvent]) -> Result<(), PublishError> {
        // Nothing of a batch is refused for its content, so every failure may pass.
        self.append(events)
            .await
            .map_err(|error| PublishError { acknowledged: 0, failure: PublishFailure::Unavailable(error) })
    }
}
