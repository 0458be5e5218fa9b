//! The broker and the adapters on it.

use std::sync::Arc;

use super::{StartError, unusable};
use crate::config::{BrokerUrl, RelayConfig};
use crate::repositories::{AdapterError, BrokerProbe, EventPublisher};

/// How long the brokers may take to say how many partitions a topic has.
#[cfg(feature = "kafka")]
const LOOK_WITHIN: std::time::Duration = std::time::Duration::from_secs(10);

pub(super) async fn publisher(relay: &RelayConfig) -> Result<Arc<dyn EventPublisher>, StartError> {
    match &relay.broker {
        #[cfg(feature = "kafka")]
        BrokerUrl::Kafka(brokers) => Ok(Arc::new(crate::data_sources::KafkaEventPublisher::new(
            &kafka(brokers, relay)?,
            &relay.topic,
            relay.publish_deadline,
        ))),
        #[cfg(not(feature = "kafka"))]
        BrokerUrl::Kafka(_) => {
            Err(StartError::NotInThisBuild { setting: "broker-url", what: "Kafka", feature: "kafka" })
        }
        #[cfg(feature = "table-broker")]
        BrokerUrl::Table(path) => {
            let broker = table_broker(path, &relay.topic).await?;
            Ok(Arc::new(crate::data_sources::TableBrokerEventPublisher::new(broker, &relay.topic)))
        }
        #[cfg(not(feature = "table-broker"))]
        BrokerUrl::Table(_) => Err(StartError::NotInThisBuild {
            setting: "broker-url",
            what: "table-broker",
            feature: "table-broker",
        }),
    }
}

pub(super) async fn probe(relay: &RelayConfig) -> Result<Arc<dyn BrokerProbe>, StartError> {
    match &relay.broker {
        #[cfg(feature = "kafka")]
        BrokerUrl::Kafka(brokers) => {
            Ok(Arc::new(crate::data_sources::KafkaBrokerProbe::new(kafka(brokers, relay)?, &relay.topic)))
        }
        #[cfg(feature = "table-broker")]
        BrokerUrl::Table(path) => {
            let broker = table_broker(path, &relay.topic).await?;
            Ok(Arc::new(crate::data_sources::TableBrokerProbe::new(broker, &relay.topic)))
        }
        #[cfg(not(all(feature = "kafka", feature = "table-broker")))]
        _ => match publisher(relay).await {
            Ok(_) => unreachable!("a broker that this build has not got is refused"),
            Err(error) => Err(error),
        },
    }
}

pub(super) async fn create_topics(relay: &RelayConfig) -> Result<(), StartError> {
    match &relay.broker {
        #[cfg(feature = "kafka")]
        BrokerUrl::Kafka(brokers) => crate::data_sources::create_missing_topics(
            &kafka(brokers, relay)?,
            &[&relay.topic, &shared_kernel::dead_letter_topic(&relay.topic)],
        )
        .await
        .map_err(unusable("broker-url")),
        #[cfg(feature = "table-broker")]
        BrokerUrl::Table(path) => table_broker(path, &relay.topic).await.map(drop),
        #[cfg(not(all(feature = "kafka", feature = "table-broker")))]
        _ => publisher(relay).await.map(drop),
    }
}

/// How many partitions the relay's topic has; none where there is no topic. That of the dead letters is the notifier's.
pub(super) async fn partitions(relay: &RelayConfig) -> Result<Vec<(String, u32)>, AdapterError> {
    match &relay.broker {
        #[cfg(feature = "kafka")]
        BrokerUrl::Kafka(brokers) => kafka(brokers, relay)?.partitions_of(&[&relay.topic], LOOK_WITHIN).await,
        #[cfg(feature = "table-broker")]
        BrokerUrl::Table(path) => {
            table_broker(path, &relay.topic).await?;
            Ok(vec![(relay.topic.clone(), shared_kernel::CDC_PARTITIONS)])
        }
        #[cfg(not(all(feature = "kafka", feature = "table-broker")))]
        _ => publisher(relay).await.map(|_publisher| Vec::new()).map_err(Into::into),
    }
}

#[cfg(feature = "kafka")]
fn kafka(brokers: &str, relay: &RelayConfig) -> Result<kafka_connection::KafkaConnection, StartError> {
    use kafka_connection::{BadConnection, KafkaConnection};
    KafkaConnection::new(brokers, &relay.kafka).map_err(|bad| match bad {
        BadConnection::NoTls { setting } => {
            StartError::NotInThisBuild { setting, what: "TLS and SASL for Kafka", feature: "kafka-tls" }
        }
        BadConnection::Refused { setting, source } => unusable(setting)(source.into()),
    })
}

/// Opens the table-broker with the topics in it: there, nobody else is responsible for them.
#[cfg(feature = "table-broker")]
async fn table_broker(path: &std::path::Path, topic: &str) -> Result<table_broker::TableBroker, StartError> {
    let open = async {
        let broker = table_broker::TableBroker::open_sqlite(path).await?;
        for topic in [topic, &shared_kernel::dead_letter_topic(topic)] {
            broker.create_topic(topic, shared_kernel::CDC_PARTITIONS).await?;
        }
        Ok::<_, AdapterError>(broker)
    };
    open.await.map_err(unusable("broker-url"))
}
