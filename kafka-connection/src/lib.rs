//! How both services connect to Kafka.

#[cfg(feature = "client")]
mod connection;
#[cfg(feature = "client")]
mod reasons;
mod security;

#[cfg(feature = "client")]
pub use connection::{BadConnection, KafkaConnection, partitions_in};
#[cfg(feature = "client")]
pub use reasons::{BrokersRefuse, Reasons};
pub use security::{
    BadKafkaSecurity, ClientCertificate, KafkaSecurity, KafkaSecuritySettings, Scram, ScramMechanism,
};
