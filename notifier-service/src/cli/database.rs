use std::path::PathBuf;

use clap::Args;
use notifier_service::config::DatabaseUrl;

use super::secret::secret;
use super::setting_error::SettingError;

#[derive(Args)]
pub(crate) struct DatabaseSettings {
    /// The ledger's database: mysql://USER:PASSWORD@HOST:PORT/DATABASE (also for MariaDB) or sqlite://PATH
    #[arg(long, env = "NOTIFIER_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<String>,
    /// A file that holds the database URL, instead of --database-url
    #[arg(long, env = "NOTIFIER_DATABASE_URL_FILE", value_name = "FILE", conflicts_with = "database_url")]
    database_url_file: Option<PathBuf>,
}

impl DatabaseSettings {
    pub(crate) fn url(&self) -> Result<DatabaseUrl, SettingError> {
        let (flag, variable) = ("database-url", "NOTIFIER_DATABASE_URL");
        let url = secret(self.database_url.as_deref(), self.database_url_file.as_deref(), flag, variable)?;
        DatabaseUrl::parse(&url).map_err(|source| SettingError::BadUrl { flag, variable, source })
    }
}
