//! `user-service doctor`.

use clap::Args;
use user_service::config::UserServiceConfig;

use super::broker::BrokerSettings;
use super::database::DatabaseSettings;
use super::keys::KeySettings;
use super::setting_error::SettingError;

#[derive(Args)]
pub(crate) struct DoctorSettings {
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    keys: KeySettings,
    /// The broker, to look at all that a relay needs: kafka://HOST:PORT[,HOST:PORT…] or table://PATH
    #[arg(long, env = "USER_SERVICE_BROKER_URL", value_name = "URL")]
    broker_url: Option<String>,
    #[command(flatten)]
    broker: BrokerSettings,
}

impl DoctorSettings {
    pub(crate) fn config(&self) -> Result<UserServiceConfig, SettingError> {
        let mut config = self.database.config()?;
        if let Some(url) = &self.broker_url {
            config.relay = Some(self.broker.config(url, "broker-url", "USER_SERVICE_BROKER_URL")?);
        }
        Ok(config)
    }

    /// What `serve` would say of the keys.
    pub(crate) fn check_keys(&self) -> Result<(), SettingError> {
        self.keys.config().map(drop)
    }
}
