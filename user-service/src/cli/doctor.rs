//! `user-service doctor`.

use clap::Args;
use user_service::config::UserServiceConfig;
use user_service::transport::http::HttpLimits;

use super::access::AccessSettings;
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
    #[command(flatten)]
    access: AccessSettings,
    /// The broker, to look at all that a relay needs: kafka://HOST:PORT[,HOST:PORT…] or table://PATH
    #[arg(long, env = "USER_SERVICE_BROKER_URL", value_name = "URL")]
    broker_url: Option<String>,
    /// The broker for a relay inside of `serve`, in the place of --broker-url
    #[arg(long, env = "USER_SERVICE_SERVE_RELAY_BROKER_URL", value_name = "URL")]
    relay_broker_url: Option<String>,
    #[command(flatten)]
    broker: BrokerSettings,
}

impl DoctorSettings {
    pub(crate) fn config(&self) -> Result<UserServiceConfig, SettingError> {
        let mut config = self.database.config()?;
        let in_serve = ("relay-broker-url", "USER_SERVICE_SERVE_RELAY_BROKER_URL");
        let brokers = [
            (&self.broker_url, ("broker-url", "USER_SERVICE_BROKER_URL")),
            (&self.relay_broker_url, in_serve),
        ];
        if let Some((url, (flag, variable))) = brokers.iter().find_map(|(url, of)| Some((url.as_ref()?, *of)))
        {
            config.relay = Some(self.broker.config(url, flag, variable)?);
        }
        Ok(config)
    }

    /// What `serve` would say of who may do how much.
    pub(crate) fn check_access(&self) -> Result<(), SettingError> {
        self.access.http(HttpLimits::default(), true).map(drop)
    }

    /// What `serve` would say of the keys.
    pub(crate) fn check_keys(&self) -> Result<(), SettingError> {
        self.keys.config().map(drop)
    }
}
