//! `user-service healthcheck`.

use std::net::SocketAddr;

use clap::Args;
use telemetry::healthcheck::{Unready, ask};

#[derive(Args)]
pub(crate) struct HealthcheckSettings {
    /// Where `serve` listens
    #[arg(long, env = "USER_SERVICE_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Where `relay` or `serve` answers probes; when it is given, this is asked and not --listen
    #[arg(long, env = "USER_SERVICE_HEALTH_LISTEN", value_name = "ADDRESS:PORT")]
    health_listen: Option<SocketAddr>,
}

impl HealthcheckSettings {
    /// Asks `GET /health/ready`. Blocks for some seconds at most.
    ///
    /// # Errors
    ///
    /// [`Unready`] where the answer is another one than 200, or there is none.
    pub(crate) fn ask(&self) -> Result<(), Unready> {
        ask(self.health_listen.unwrap_or(self.listen))
    }
}
