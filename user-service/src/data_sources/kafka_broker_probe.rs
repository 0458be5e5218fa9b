use std::time::Duration;

use async_trait::async_trait;
use kafka_connection::KafkaConnection;
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, Producer as _};

use super::kafka_producer_config;
use crate::repositories::{BrokerProbe, PublishFailure};

/// How long the brokers may take to answer.
const PROBE_WITHIN: Duration = Duration::from_secs(4);

/// Asks the brokers for a topic again and again.
#[derive(Debug)]
pub struct KafkaBrokerProbe {
    config: ClientConfig,
    topic: String,
}

impl KafkaBrokerProbe {
    /// Asks these brokers for that topic.
    pub fn new(connection: &KafkaConnection, topic: &str) -> Self {
        Self { config: kafka_producer_config(connection), topic: topic.to_owned() }
    }
}

#[async_trait]
impl BrokerProbe for KafkaBrokerProbe {
    /// By a client of its own each time, which finds out whether a new one is let in.
    async fn reach(&self) -> Result<(), PublishFailure> {
        let (config, topic) = (self.config.clone(), self.topic.clone());
        let look = move || {
            let client: BaseProducer = config.create()?;
            let metadata = client.client().fetch_metadata(Some(&topic), PROBE_WITHIN)?;
            Ok::<_, KafkaError>(metadata.topics().first().is_some_and(|found| !found.partitions().is_empty()))
        };
        let looked = tokio::task::spawn_blocking(look).await.unwrap_or(Err(KafkaError::Canceled));
        match looked.map_err(|error| PublishFailure::Unavailable(error.into()))? {
            true => Ok(()),
            false => Err(PublishFailure::Unavailable(format!("there is no topic {}", self.topic).into())),
        }
    }
}
