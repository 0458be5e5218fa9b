use std::error::Error;
use std::sync::Arc;

#[cfg(not(all(feature = "kafka", feature = "table-broker")))]
use super::start_error::no_such_broker;
use super::start_error::{StartError, unusable};
use crate::config::{BrokerUrl, NotifierConfig};
use crate::repositories::{DeadLetterLog, DeadLetters, EventHistory};
use crate::transport::{ConsumerMonitor, EventConsumer};

/// How long the brokers may take to say how many partitions a topic has.
#[cfg(feature = "kafka")]
const LOOK_WITHIN: std::time::Duration = std::time::Duration::from_secs(10);

/// The consumer of the topic, and what else is on the same broker.
pub(super) struct Broker {
    pub(super) consumer: Box<dyn EventConsumer>,
    pub(super) monitor: Arc<dyn ConsumerMonitor>,
    pub(super) dead_letters: Arc<dyn DeadLetters>,
    pub(super) letters: Arc<dyn DeadLetterLog>,
    pub(super) history: Arc<dyn EventHistory>,
}

pub(super) async fn broker(config: &NotifierConfig) -> Result<Broker, StartError> {
    let topics = vec![config.topic.clone(), shared_kernel::dead_letter_topic(&config.topic)];
    match &config.broker {
        #[cfg(feature = "kafka")]
        BrokerUrl::Kafka(brokers) => {
            use crate::transport::{KafkaConsumer, KafkaConsumerSettings};
            let connection = kafka(brokers, &config.kafka)?;
            let consumer = KafkaConsumer::subscribe(&KafkaConsumerSettings {
                connection: connection.clone(),
                group: config.consumer_group.clone(),
                topic: config.topic.clone(),
                session_timeout: KafkaConsumerSettings::SESSION_TIMEOUT,
            })
            .map_err(|error| unusable("broker-url", error))?;
            let dead_letters = crate::data_sources::KafkaDeadLetters::new(&connection)
                .map_err(|error| unusable("broker-url", error))?;
            let letters = crate::data_sources::KafkaDeadLetterLog::new(&connection, &config.topic);
            let history = crate::data_sources::KafkaEventHistory::new(&connection, topics)
                .map_err(|error| unusable("broker-url", error))?;
            Ok(Broker {
                monitor: Arc::new(consumer.monitor()),
                consumer: Box::new(consumer),
                dead_letters: Arc::new(dead_letters),
                letters: Arc::new(letters),
                history: Arc::new(history),
            })
        }
        #[cfg(feature = "table-broker")]
        BrokerUrl::Table(path) => {
            let broker =
                table_broker(path, &config.topic).await.map_err(|error| unusable("broker-url", error))?;
            let consumer =
                crate::transport::TableBrokerConsumer::new(&broker, &config.consumer_group, &config.topic);
            let monitor = crate::transport::TableBrokerConsumerMonitor::new(
                broker.clone(),
                &config.consumer_group,
                &config.topic,
            );
            let dead_letters = crate::data_sources::TableBrokerDeadLetters::new(broker.clone());
            let letters = crate::data_sources::TableBrokerDeadLetterLog::new(broker.clone(), &config.topic);
            let history = crate::data_sources::TableBrokerEventHistory::new(broker, topics);
            Ok(Broker {
                monitor: Arc::new(monitor),
                consumer: Box::new(consumer),
                dead_letters: Arc::new(dead_letters),
                letters: Arc::new(letters),
                history: Arc::new(history),
            })
        }
        #[cfg(not(all(feature = "kafka", feature = "table-broker")))]
        other => Err(no_such_broker(other)),
    }
}

/// How many partitions each of our topics has; none where there is no topic.
pub(super) async fn partitions(
    config: &NotifierConfig,
) -> Result<Vec<(String, u32)>, Box<dyn Error + Send + Sync>> {
    let topics = [&*config.topic, &shared_kernel::dead_letter_topic(&config.topic)];
    match &config.broker {
        #[cfg(feature = "kafka")]
        BrokerUrl::Kafka(brokers) => kafka(brokers, &config.kafka)?.partitions_of(&topics, LOOK_WITHIN).await,
        #[cfg(feature = "table-broker")]
        BrokerUrl::Table(path) => {
            table_broker(path, &config.topic).await?;
            Ok(topics.map(|topic| (topic.to_owned(), shared_kernel::CDC_PARTITIONS)).into())
        }
        #[cfg(not(all(feature = "kafka", feature = "table-broker")))]
        other => Err(no_such_broker(other).into()),
    }
}

#[cfg(feature = "kafka")]
pub(super) fn kafka(
    brokers: &str,
    security: &kafka_connection::KafkaSecurity,
) -> Result<kafka_connection::KafkaConnection, StartError> {
    use kafka_connection::{BadConnection, KafkaConnection};
    KafkaConnection::new(brokers, security).map_err(|bad| match bad {
        BadConnection::NoTls { setting } => {
            StartError::NotInThisBuild { setting, what: "TLS and SASL for Kafka", feature: "kafka-tls" }
        }
        BadConnection::Refused { setting, source } => unusable(setting, source),
    })
}

/// Opens the table-broker with the topics in it, whoever of the two services comes first.
#[cfg(feature = "table-broker")]
async fn table_broker(
    path: &std::path::Path,
    topic: &str,
) -> Result<table_broker::TableBroker, table_broker::BrokerError> {
    let broker = table_broker::TableBroker::open_sqlite(path).await?;
    for topic in [topic, &shared_kernel::dead_letter_topic(topic)] {
        broker.create_topic(topic, shared_kernel::CDC_PARTITIONS).await?;
    }
    Ok(broker)
}
