//! Where the accounts are.

use std::path::PathBuf;

use clap::Args;
use user_service::config::{DatabaseUrl, UserServiceConfig};

use super::secret::secret;
use super::setting_error::SettingError;

#[derive(Args)]
pub(crate) struct DatabaseSettings {
    /// The database: mysql://USER:PASSWORD@HOST:PORT/DATABASE (also for MariaDB) or sqlite://PATH
    #[arg(long, env = "USER_SERVICE_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<String>,
    /// A file that holds the database URL, instead of --database-url
    #[arg(
        long,
        env = "USER_SERVICE_DATABASE_URL_FILE",
        value_name = "FILE",
        conflicts_with = "database_url"
    )]
    database_url_file: Option<PathBuf>,
    /// The most connections to the database server
    #[arg(long, env = "USER_SERVICE_MAX_CONNECTIONS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    max_connections: u32,
}

impl DatabaseSettings {
    pub(crate) fn config(&self) -> Result<UserServiceConfig, SettingError> {
        let (flag, variable) = ("database-url", "USER_SERVICE_DATABASE_URL");
        let url = secret(self.database_url.as_deref(), self.database_url_file.as_deref(), flag, variable)?;
        let database =
            DatabaseUrl::parse(&url).map_err(|source| SettingError::BadUrl { flag, variable, source })?;
        Ok(UserServiceConfig { max_connections: self.max_connections, ..UserServiceConfig::new(database) })
    }
}
