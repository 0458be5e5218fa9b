//! `user-service serve`.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use user_service::config::UserServiceConfig;
use user_service::transport::http::HttpLimits;

use super::access::AccessSettings;
use super::broker::BrokerSettings;
use super::database::DatabaseSettings;
use super::keys::KeySettings;
use super::passwords::PasswordSettings;
use super::setting_error::SettingError;

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
    /// Where to answer GET /health/live, GET /health/ready and GET /metrics beside the REST API; port 0 takes any free one.
    /// The REST API's port then answers no GET /metrics, so that nothing need keep the public from it
    #[arg(long, env = "USER_SERVICE_HEALTH_LISTEN", value_name = "ADDRESS:PORT")]
    pub(crate) health_listen: Option<SocketAddr>,
    #[command(flatten)]
    keys: KeySettings,
    #[command(flatten)]
    passwords: PasswordSettings,
    #[command(flatten)]
    access: AccessSettings,
    /// How long the answer to a request with an Idempotency-Key is kept, in hours
    #[arg(long, env = "USER_SERVICE_IDEMPOTENCY_HOURS", default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=720))]
    idempotency_hours: u64,
    /// How long after its last change an account is removed whose address nobody confirms, in days; 0 keeps it
    #[arg(long, env = "USER_SERVICE_UNCONFIRMED_DAYS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=3650))]
    unconfirmed_days: u64,
    /// The broker for a relay inside this process: kafka://HOST:PORT[,HOST:PORT…] or table://PATH.
    /// Without it, run `user-service relay` beside
    #[arg(long, env = "USER_SERVICE_SERVE_RELAY_BROKER_URL", value_name = "URL")]
    relay_broker_url: Option<String>,
    #[command(flatten)]
    broker: BrokerSettings,
}

impl ServeSettings {
    pub(crate) fn config(&self) -> Result<UserServiceConfig, SettingError> {
        let mut config = self.database.config()?;
        let mut api = self.keys.config()?;
        api.passwords = self.passwords.config();
        api.sessions = self.access.sessions();
        let limits = HttpLimits {
            request_timeout: Duration::from_secs(self.request_timeout_seconds),
            header_timeout: Duration::from_secs(self.header_timeout_seconds),
            max_requests: self.max_requests.into(),
        };
        api.http = self.access.http(limits, self.health_listen.is_none())?;
        api.answers_kept = Duration::from_secs(self.idempotency_hours * 3600);
        api.unconfirmed_for =
            (self.unconfirmed_days > 0).then(|| Duration::from_secs(self.unconfirmed_days * 24 * 60 * 60));
        config.api = Some(api);
        if let Some(url) = &self.relay_broker_url {
            config.relay =
                Some(self.broker.config(url, "relay-broker-url", "USER_SERVICE_SERVE_RELAY_BROKER_URL")?);
        }
        Ok(config)
    }
}
