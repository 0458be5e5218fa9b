use std::time::Duration;

use async_trait::async_trait;
use kafka_connection::KafkaConnection;

use crate::repositories::{BrokerProbe, PublishFailure};

/// How long the brokers may take to answer.
const PROBE_WITHIN: Duration = Duration::from_secs(4);

/// Asks the brokers for a topic again and again.
pub struct KafkaBrokerProbe {
    connection: KafkaConnection,
    topic: String,
}

impl KafkaBrokerProbe {
    /// Asks these brokers for that topic.
    pub fn new(connection: KafkaConnection, topic: &str) -> Self {
        Self { connection, topic: topic.to_owned() }
    }
}

#[async_trait]
impl BrokerProbe for KafkaBrokerProbe {
    /// By a client of its own each time, which finds out whether a new one is let in.
    async fn reach(&self) -> Result<(), PublishFailure> {
        let looked = self.connection.partitions_of(&[&self.topic], PROBE_WITHIN).await;
        match looked.map_err(PublishFailure::Unavailable)?.iter().any(|(_, partitions)| *partitions > 0) {
            true => Ok(()),
            false => Err(PublishFailure::Unavailable(format!("there is no topic {}", self.topic).into())),
        }
    }
}
