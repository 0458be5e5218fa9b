use std::error::Error;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use secrecy::ExposeSecret as _;
use thiserror::Error;

use crate::reasons::Reasons;
use crate::security::KafkaSecurity;

/// Where brokers are, and how they are spoken to.
///
/// Settings: <https://github.com/confluentinc/librdkafka/blob/v2.12.1/CONFIGURATION.md>.
#[derive(Clone)]
pub struct KafkaConnection {
    brokers: String,
    security: KafkaSecurity,
}

/// Settings that no connection can be made with.
#[derive(Debug, Error)]
pub enum BadConnection {
    /// This build has no TLS.
    #[error("{setting}: this build has no TLS and no SASL for Kafka; build with the feature `kafka-tls`")]
    NoTls {
        /// The setting that asks for it.
        setting: &'static str,
    },
    /// librdkafka refuses what the setting says.
    #[error("{setting} cannot be used")]
    Refused {
        /// The setting.
        setting: &'static str,
        /// What librdkafka says.
        #[source]
        source: KafkaError,
    },
}

impl KafkaConnection {
    /// Connects to nothing yet, but looks at certificates and keys. `brokers` are `host:port`, separated by commas.
    ///
    /// # Errors
    ///
    /// [`BadConnection`], which names the setting at fault.
    pub fn new(brokers: &str, security: &KafkaSecurity) -> Result<Self, BadConnection> {
        let connection = Self { brokers: brokers.to_owned(), security: security.clone() };
        if !security.needs_tls() {
            return Ok(connection);
        }
        if !cfg!(feature = "tls") {
            return Err(BadConnection::NoTls { setting: connection.first_setting() });
        }
        let mut nowhere = connection.config();
        nowhere.remove("bootstrap.servers");
        nowhere.set_log_level(RDKafkaLogLevel::Emerg);
        match nowhere.create::<BaseConsumer>() {
            Ok(_usable) => Ok(connection),
            Err(source) => Err(BadConnection::Refused { setting: setting_in(&source.to_string()), source }),
        }
    }

    /// In the clear, and as nobody: for tests and benchmarks, on servers of one's own machine. What settings say is
    /// [`new`](Self::new).
    pub fn in_the_clear(brokers: &str) -> Self {
        Self { brokers: brokers.to_owned(), security: KafkaSecurity::default() }
    }

    /// How many partitions each of the topics has; none when it is not there. Connects for this alone.
    ///
    /// # Errors
    ///
    /// When the brokers cannot be reached within `limit`, refuse, or say nothing of a topic.
    pub async fn partitions_of(
        &self,
        topics: &[&str],
        limit: Duration,
    ) -> Result<Vec<(String, u32)>, Box<dyn Error + Send + Sync>> {
        let mut config = self.config();
        config.set("allow.auto.create.topics", "false");
        let topics: Vec<_> = topics.iter().map(|topic| (*topic).to_owned()).collect();
        let look = move || {
            let client: BaseConsumer<Reasons> = config.create_with_context(Reasons::default())?;
            let partitions = |topic: String| {
                let metadata = client.fetch_metadata(Some(&topic), limit);
                let found = metadata.and_then(|metadata| partitions_in(&metadata));
                Ok((topic, found.map_err(|error| Reasons::of(&client, error))?))
            };
            topics.into_iter().map(partitions).collect()
        };
        tokio::task::spawn_blocking(look).await?
    }

    /// What every client of the brokers is set to; the rest is its own.
    pub fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        // Our contexts look for reasons in what it says.
        config.set_log_level(RDKafkaLogLevel::Info);
        let KafkaSecurity { tls: _, authorities, certificate, scram } = &self.security;
        if !self.security.needs_tls() {
            return config;
        }
        config.set("security.protocol", if scram.is_some() { "sasl_ssl" } else { "ssl" });
        match authorities {
            Some(pem) => config.set("ssl.ca.pem", pem),
            // An OpenSSL that is linked in knows nothing of where the machine keeps them.
            None => config.set("ssl.ca.location", "probe"),
        };
        if let Some(ours) = certificate {
            config.set("ssl.certificate.pem", &ours.certificate).set("ssl.key.pem", ours.key.expose_secret());
        }
        if let Some(scram) = scram {
            config
                .set("sasl.mechanism", scram.mechanism.name())
                .set("sasl.username", &scram.username)
                .set("sasl.password", scram.password.expose_secret());
        }
        config
    }

    fn first_setting(&self) -> &'static str {
        match &self.security {
            KafkaSecurity { authorities: Some(_), .. } => "kafka-ca-file",
            KafkaSecurity { certificate: Some(_), .. } => "kafka-certificate-file",
            KafkaSecurity { scram: Some(_), .. } => "kafka-username",
            _ => "kafka-tls",
        }
    }
}

/// How many partitions the one topic has that the metadata are about; none when it is not there.
///
/// # Errors
///
/// What the brokers say where they do not tell, such as that we may not know the topic.
pub fn partitions_in(metadata: &Metadata) -> Result<u32, KafkaError> {
    let Some(topic) = metadata.topics().first() else { return Ok(0) };
    match topic.error().map(RDKafkaErrorCode::from) {
        None => Ok(u32::try_from(topic.partitions().len()).unwrap_or(u32::MAX)),
        Some(RDKafkaErrorCode::UnknownTopicOrPartition) => Ok(0),
        Some(code) => Err(KafkaError::MetadataFetch(code)),
    }
}

/// Which of our settings librdkafka speaks of, by the name of its own.
fn setting_in(said: &str) -> &'static str {
    match said {
        _ if said.contains("ssl.ca") => "kafka-ca-file",
        _ if said.contains("ssl.certificate") => "kafka-certificate-file",
        _ if said.contains("ssl.key") || said.contains("private key") => "kafka-key-file",
        _ if said.contains("sasl") => "kafka-username",
        _ => "kafka-tls",
    }
}
