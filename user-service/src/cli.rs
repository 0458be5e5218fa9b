//! The command line: every setting as a flag and as an environment variable.
#![expect(clippy::doc_markdown, reason = "the texts are what --help shows, where brackets would be noise")]

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use thiserror::Error;
use tracing_subscriber::EnvFilter;
use user_service::config::{BadUrl, BrokerUrl, DatabaseUrl, RelayConfig, UserServiceConfig};
use user_service::data_sources::Argon2Cost;
use user_service::transport::http::HttpLimits;

/// Keeps people's account data and publishes every change of it.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to log: a level (error, warn, info, debug, trace), or a filter such as `info,sqlx=warn`
    #[arg(long, env = "USER_SERVICE_LOG", default_value = "info", global = true)]
    log: String,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serves the REST API until it gets SIGINT or SIGTERM
    Serve(ServeSettings),
    /// Publishes committed changes to the topic until it gets SIGINT or SIGTERM
    Relay(RelaySettings),
    /// Brings the database to the version of this build, creates missing topics, and ends
    Migrate(MigrateSettings),
}

#[derive(Args)]
struct DatabaseSettings {
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

#[derive(Args)]
struct BrokerSettings {
    /// How many changes are published in one step
    #[arg(long, env = "USER_SERVICE_RELAY_BATCH", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    relay_batch: u16,
    /// How often the outbox is looked at for changes by other processes, in milliseconds
    #[arg(long, env = "USER_SERVICE_RELAY_POLL_MS", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    relay_poll_ms: u64,
    /// The topic
    #[arg(long, env = "USER_SERVICE_TOPIC", default_value = shared_kernel::CDC_TOPIC)]
    topic: String,
}

#[derive(Args)]
pub(crate) struct ServeSettings {
    #[command(flatten)]
    database: DatabaseSettings,
    /// Where to serve the REST API; port 0 takes any free one
    #[arg(long, env = "USER_SERVICE_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub(crate) listen: SocketAddr,
    /// The longest time for one request, in seconds
    #[arg(long, env = "USER_SERVICE_REQUEST_TIMEOUT_SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=600))]
    request_timeout_seconds: u64,
    /// The longest time for the head of a request to arrive, in seconds
    #[arg(long, env = "USER_SERVICE_HEADER_TIMEOUT_SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    header_timeout_seconds: u64,
    /// The most requests under way; a further one gets 503 at once
    #[arg(long, env = "USER_SERVICE_MAX_REQUESTS", default_value_t = 512, value_parser = clap::value_parser!(u16).range(1..))]
    max_requests: u16,
    /// Memory of one password hash (argon2id), in KiB
    #[arg(long, env = "USER_SERVICE_PASSWORD_MEMORY_KIB", default_value_t = Argon2Cost::default().memory_kib)]
    password_memory_kib: u32,
    /// Passes of one password hash (argon2id)
    #[arg(long, env = "USER_SERVICE_PASSWORD_ITERATIONS", default_value_t = Argon2Cost::default().iterations, value_parser = clap::value_parser!(u32).range(1..))]
    password_iterations: u32,
    /// The broker for a relay inside this process: kafka://HOST:PORT[,HOST:PORT…] or table://PATH.
    /// Without it, run `user-service relay` beside
    #[arg(long, env = "USER_SERVICE_SERVE_RELAY_BROKER_URL", value_name = "URL")]
    relay_broker_url: Option<String>,
    #[command(flatten)]
    broker: BrokerSettings,
}

#[derive(Args)]
pub(crate) struct RelaySettings {
    #[command(flatten)]
    database: DatabaseSettings,
    /// The broker: kafka://HOST:PORT[,HOST:PORT…] or table://PATH
    #[arg(long, env = "USER_SERVICE_BROKER_URL", value_name = "URL")]
    broker_url: String,
    #[command(flatten)]
    broker: BrokerSettings,
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

/// A setting that stops the start.
#[derive(Debug, Error)]
pub(crate) enum SettingError {
    #[error("--{flag} ({variable})")]
    BadUrl {
        flag: &'static str,
        variable: &'static str,
        #[source]
        source: BadUrl,
    },
    #[error("--database-url (USER_SERVICE_DATABASE_URL) is missing; or give --database-url-file")]
    NoDatabase,
    #[error("--database-url-file (USER_SERVICE_DATABASE_URL_FILE): {file} cannot be read")]
    UnreadableFile {
        file: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("--log (USER_SERVICE_LOG): it must be a level or a filter such as info,sqlx=warn")]
    Log(#[source] tracing_subscriber::filter::ParseError),
    #[error("--listen (USER_SERVICE_LISTEN): cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
}

impl Cli {
    pub(crate) fn start_logging(&self) -> Result<(), SettingError> {
        let filter = EnvFilter::try_new(&self.log).map_err(SettingError::Log)?;
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
            .init();
        Ok(())
    }
}

impl DatabaseSettings {
    fn config(&self) -> Result<UserServiceConfig, SettingError> {
        let url = match (&self.database_url, &self.database_url_file) {
            (Some(url), _) => url.clone(),
            (None, Some(file)) => std::fs::read_to_string(file)
                .map_err(|source| SettingError::UnreadableFile { file: file.clone(), source })?,
            (None, None) => return Err(SettingError::NoDatabase),
        };
        let database = DatabaseUrl::parse(url.trim()).map_err(|source| SettingError::BadUrl {
            flag: "database-url",
            variable: "USER_SERVICE_DATABASE_URL",
            source,
        })?;
        Ok(UserServiceConfig { max_connections: self.max_connections, ..UserServiceConfig::new(database) })
    }
}

impl BrokerSettings {
    fn config(
        &self,
        url: &str,
        flag: &'static str,
        variable: &'static str,
    ) -> Result<RelayConfig, SettingError> {
        let broker =
            BrokerUrl::parse(url).map_err(|source| SettingError::BadUrl { flag, variable, source })?;
        Ok(RelayConfig {
            topic: self.topic.clone(),
            batch: self.relay_batch.into(),
            poll_interval: Duration::from_millis(self.relay_poll_ms),
            ..RelayConfig::new(broker)
        })
    }
}

impl ServeSettings {
    pub(crate) fn config(&self) -> Result<UserServiceConfig, SettingError> {
        let mut config = self.database.config()?;
        config.password_cost.memory_kib = self.password_memory_kib;
        config.password_cost.iterations = self.password_iterations;
        config.limits = HttpLimits {
            request_timeout: Duration::from_secs(self.request_timeout_seconds),
            header_timeout: Duration::from_secs(self.header_timeout_seconds),
            max_requests: self.max_requests.into(),
        };
        if let Some(url) = &self.relay_broker_url {
            config.relay =
                Some(self.broker.config(url, "relay-broker-url", "USER_SERVICE_SERVE_RELAY_BROKER_URL")?);
        }
        Ok(config)
    }
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
