use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use notifier_service::config::NotifierConfig;
use telemetry::healthcheck::{Unready, ask};

/// What is told of the process.
#[derive(Args)]
pub(super) struct HealthSettings {
    /// Where to answer GET /health/live, GET /health/ready and GET /metrics; port 0 takes any free one
    #[arg(long, env = "NOTIFIER_HEALTH_LISTEN", value_name = "ADDRESS:PORT")]
    health_listen: Option<SocketAddr>,
    /// How long the broker or the mail server may be away, or a mail that is due not be taken up, before the process is not
    /// ready any more, in seconds
    #[arg(long, env = "NOTIFIER_STUCK_AFTER_SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    stuck_after_seconds: u64,
}

impl HealthSettings {
    pub(super) fn apply(&self, config: &mut NotifierConfig) {
        config.health_listen = self.health_listen;
        config.stuck_after = Duration::from_secs(self.stuck_after_seconds);
    }
}

#[derive(Args)]
pub(crate) struct HealthcheckSettings {
    /// Where `run` answers probes
    #[arg(long, env = "NOTIFIER_HEALTH_LISTEN", value_name = "ADDRESS:PORT")]
    health_listen: SocketAddr,
}

impl HealthcheckSettings {
    /// Asks `GET /health/ready`. Blocks for some seconds at most.
    ///
    /// # Errors
    ///
    /// [`Unready`] where the answer is another one than 200, or there is none.
    pub(crate) fn ask(&self) -> Result<(), Unready> {
        ask(self.health_listen)
    }
}
