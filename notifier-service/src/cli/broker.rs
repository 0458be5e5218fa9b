use clap::Args;
use notifier_service::config::{BrokerUrl, KafkaSecurity};

use super::kafka::KafkaSettings;
use super::setting_error::SettingError;

/// What brings the events.
#[derive(Args)]
pub(super) struct BrokerSettings {
    /// The broker: kafka://HOST:PORT[,HOST:PORT…] or table://PATH
    #[arg(long, env = "NOTIFIER_BROKER_URL", value_name = "URL")]
    broker_url: String,
    /// The topic
    #[arg(long, env = "NOTIFIER_TOPIC", default_value = shared_kernel::CDC_TOPIC)]
    pub(super) topic: String,
    #[command(flatten)]
    kafka: KafkaSettings,
}

impl BrokerSettings {
    pub(super) fn url(&self) -> Result<BrokerUrl, SettingError> {
        BrokerUrl::parse(&self.broker_url).map_err(|source| SettingError::BadUrl {
            flag: "broker-url",
            variable: "NOTIFIER_BROKER_URL",
            source,
        })
    }

    pub(super) fn kafka(&self) -> Result<KafkaSecurity, SettingError> {
        Ok(self.kafka.security()?)
    }
}
