use async_trait::async_trait;
use table_broker::TableBroker;

use crate::repositories::{BrokerProbe, PublishFailure};

/// An offset that no record has yet, so that none is read.
const BEHIND_ALL: u64 = i64::MAX.unsigned_abs();

/// Looks at the table of the broker.
pub struct TableBrokerProbe {
    broker: TableBroker,
    topic: String,
}

impl TableBrokerProbe {
    /// Looks for that topic.
    pub fn new(broker: TableBroker, topic: &str) -> Self {
        Self { broker, topic: topic.to_owned() }
    }
}

#[async_trait]
impl BrokerProbe for TableBrokerProbe {
    async fn reach(&self) -> Result<(), PublishFailure> {
        let unavailable = |error: table_broker::BrokerError| PublishFailure::Unavailable(error.into());
        self.broker.records(&self.topic, 0, BEHIND_ALL, 1).await.map(drop).map_err(unavailable)
    }
}
