use async_trait::async_trait;
use shared_kernel::{NewerEvent, UserEvent, WireRecord, encode, encode_newer};
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

    async fn append(&self, records: impl Iterator<Item = WireRecord>) -> Result<(), PublishError> {
        let records = records.map(|WireRecord { key, value, headers }| NewRecord { key, value, headers });
        let appended = self.append_all(&records.collect::<Vec<_>>()).await;
        // Nothing of a batch is refused for its content, so every failure may pass.
        appended
            .map_err(|error| PublishError { acknowledged: 0, failure: PublishFailure::Unavailable(error) })
    }

    async fn append_all(&self, records: &[NewRecord]) -> Result<(), AdapterError> {
        let mut turn = self.calls.turn().await;
        let call = match turn.join()? {
            Some(call) => call,
            None => turn.begin(self.broker.clone()),
        };
        call.connection().append(&self.topic, records).await?;
        call.done();
        Ok(())
    }
}

#[async_trait]
impl EventPublisher for TableBrokerEventPublisher {
    async fn publish(&self, events: &[UserEvent]) -> Result<(), PublishError> {
        self.append(events.iter().map(encode)).await
    }

    async fn publish_newer(&self, event: &NewerEvent) -> Result<(), PublishError> {
        self.append(std::iter::once(encode_newer(event))).await
    }
}
