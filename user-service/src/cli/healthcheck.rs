//! `user-service healthcheck`: what a container asks, in whose image there is nothing else to ask with.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use clap::Args;
use thiserror::Error;

/// How long a step of the question may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// More than all obstacles take.
const LONGEST_ANSWER: u64 = 64 * 1024;

#[derive(Args)]
pub(crate) struct HealthcheckSettings {
    /// Where `serve` listens
    #[arg(long, env = "USER_SERVICE_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Where `relay` answers probes; when it is given, the relay is asked and not --listen
    #[arg(long, env = "USER_SERVICE_HEALTH_LISTEN", value_name = "ADDRESS:PORT")]
    health_listen: Option<SocketAddr>,
}

/// Why the process is not ready.
#[derive(Debug, Error)]
pub(crate) enum Unready {
    #[error("{address} does not answer")]
    NoAnswer {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("{address} is not ready: {says}")]
    Obstacles { address: SocketAddr, says: String },
}

impl HealthcheckSettings {
    /// Asks `GET /health/ready`. Blocks for some seconds at most.
    ///
    /// # Errors
    ///
    /// [`Unready`] where the answer is another one than 200, or there is none.
    pub(crate) fn ask(&self) -> Result<(), Unready> {
        let address = reachable(self.health_listen.unwrap_or(self.listen));
        let answer = get_ready(address).map_err(|source| Unready::NoAnswer { address, source })?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        if head.split(' ').nth(1) == Some("200") {
            return Ok(());
        }
        let says = if body.is_empty() { head } else { body };
        Err(Unready::Obstacles { address, says: says.trim_end().replace('\n', "; ") })
    }
}

/// Who listens on every address is asked on the machine's own.
fn reachable(listening: SocketAddr) -> SocketAddr {
    let own = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(own, listening.port())
}

fn get_ready(address: SocketAddr) -> io::Result<String> {
    let mut connection = TcpStream::connect_timeout(&address, PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    write!(connection, "GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.take(LONGEST_ANSWER).read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_machine_stands_for_every_address() {
        for (listening, asked) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8081", "[::1]:8081"),
            ("192.0.2.7:80", "192.0.2.7:80"),
        ] {
            assert_eq!(reachable(listening.parse().unwrap()), asked.parse().unwrap(), "{listening}");
        }
    }
}
