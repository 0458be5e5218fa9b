use std::path::PathBuf;

use clap::Args;
use notifier_service::config::{BadKafkaSecurity, KafkaSecurity, KafkaSecuritySettings, ScramMechanism};

/// What a Kafka asks for beside its addresses. Needs a build with the feature `kafka-tls`.
#[derive(Args)]
pub(super) struct KafkaSettings {
    /// Speak TLS with Kafka, as every other of these settings but the mechanism does too; the brokers are verified by the machine's
    /// authorities
    #[arg(long, env = "NOTIFIER_KAFKA_TLS")]
    kafka_tls: bool,
    /// A file with the certificates (PEM) of the authorities that vouch for the brokers, instead of the machine's
    #[arg(long, env = "NOTIFIER_KAFKA_CA_FILE", value_name = "FILE")]
    kafka_ca_file: Option<PathBuf>,
    /// A file with the certificate (PEM) that the brokers are shown
    #[arg(long, env = "NOTIFIER_KAFKA_CERTIFICATE_FILE", value_name = "FILE")]
    kafka_certificate_file: Option<PathBuf>,
    /// A file with the certificate's private key (PEM, not encrypted)
    #[arg(long, env = "NOTIFIER_KAFKA_KEY_FILE", value_name = "FILE")]
    kafka_key_file: Option<PathBuf>,
    /// The account at Kafka, for SASL/SCRAM
    #[arg(long, env = "NOTIFIER_KAFKA_USERNAME", value_name = "NAME")]
    kafka_username: Option<String>,
    /// The account's password
    #[arg(long, env = "NOTIFIER_KAFKA_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    kafka_password: Option<String>,
    /// A file that holds the password, instead of --kafka-password
    #[arg(
        long,
        env = "NOTIFIER_KAFKA_PASSWORD_FILE",
        value_name = "FILE",
        conflicts_with = "kafka_password"
    )]
    kafka_password_file: Option<PathBuf>,
    /// How the account is proved: SCRAM-SHA-256 or SCRAM-SHA-512
    #[arg(long, env = "NOTIFIER_KAFKA_MECHANISM", default_value = "SCRAM-SHA-512", value_name = "NAME")]
    kafka_mechanism: ScramMechanism,
}

impl KafkaSettings {
    pub(super) fn security(&self) -> Result<KafkaSecurity, BadKafkaSecurity> {
        let settings = KafkaSecuritySettings {
            tls: self.kafka_tls,
            ca_file: self.kafka_ca_file.clone(),
            certificate_file: self.kafka_certificate_file.clone(),
            key_file: self.kafka_key_file.clone(),
            username: self.kafka_username.clone(),
            password: self.kafka_password.clone().map(Into::into),
            password_file: self.kafka_password_file.clone(),
            mechanism: self.kafka_mechanism,
        };
        settings.read()
    }
}
