//! `user-service relay` and `user-service migrate`.

use std::net::SocketAddr;

use clap::Args;
use user_service::config::UserServiceConfig;

use super::broker::BrokerSettings;
use super::database::DatabaseSettings;
use super::setting_error::SettingError;

#[derive(Args)]
pub(crate) struct RelaySettings {
    #[command(flatten)]
    database: DatabaseSettings,
    /// The broker: kafka://HOST:PORT[,HOST:PORT…] or table://PATH
    #[arg(long, env = "USER_SERVICE_BROKER_URL", value_name = "URL")]
    broker_url: String,
    #[command(flatten)]
    broker: BrokerSettings,
    /// Where to answer GET /health/live, GET /health/ready and GET /metrics; port 0 takes any free one
    #[arg(long, env = "USER_SERVICE_HEALTH_LISTEN", value_name = "ADDRESS:PORT")]
    pub(crate) health_listen: Option<SocketAddr>,
}

#[derive(Args)]
pub(crate) struct MigrateSettings {
    #[command(flatten)]
    database: DatabaseSettings,
    /// The broker whose missing topics to create: kafka://HOST:PORT[,HOST:PORT…] or table://PATH
    #[arg(long, env = "USER_SERVICE_BROKER_URL", value_name = "URL")]
    broker_url: Option<String>,
    #[command(flatten)]
    broker: BrokerSettings,
}

impl RelaySettings {
    pub(crate) fn config(&self) -> Result<UserServiceConfig, SettingError> {
        let mut config = self.database.config()?;
        config.relay = Some(self.broker.config(&self.broker_url, "broker-url", "USER_SERVICE_BROKER_URL")?);
        Ok(config)
    }
}

impl MigrateSettings {
    pub(crate) fn config(&self) -> Result<UserServiceConfig, SettingError> {
        let mut config = self.database.config()?;
        if let Some(url) = &self.broker_url {
            config.relay = Some(self.broker.config(url, "broker-url", "USER_SERVICE_BROKER_URL")?);
        }
        Ok(config)
    }
}
