//! The question of a container to the process in it, in whose image there is nothing else to ask with.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use thiserror::Error;

/// How long a step of the question may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// More than all obstacles take.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// Why the process is not ready.
#[derive(Debug, Error)]
pub enum Unready {
    /// It cannot be asked.
    #[error("{address} does not answer")]
    NoAnswer {
        /// Where it was asked.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It answered that it is not.
    #[error("{address} is not ready: {says}")]
    Obstacles {
        /// Where it was asked.
        address: SocketAddr,
        /// What it said.
        says: String,
    },
}

/// Asks `GET /health/ready` of who listens there. Blocks for some seconds at most.
///
/// # Errors
///
/// [`Unready`] where the answer is another one than 200, or there is none.
pub fn ask(listening: SocketAddr) -> Result<(), Unready> {
    let address = reachable(listening);
    let answer = get_ready(address).map_err(|source| Unready::NoAnswer { address, source })?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.split(' ').nth(1) == Some("200") {
        return Ok(());
    }
    let says = obstacles(body).unwrap_or_else(|| head.replace("\r\n", "; "));
    Err(Unready::Obstacles { address, says })
}

/// The parts that are not ready, and why; none where the answer is not as ours is.
fn obstacles(body: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(body).ok()?;
    let parts = answer["parts"].as_array()?.iter();
    let obstacles: Vec<_> = parts
        .filter_map(|part| Some(format!("{}: {}", part["part"].as_str()?, part["reason"].as_str()?)))
        .collect();
    (!obstacles.is_empty()).then(|| obstacles.join("; "))
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

    #[test]
    fn only_the_parts_that_are_not_ready_are_told() {
        let body = r#"{"ready":false,"parts":[{"part":"broker","ready":false,"reason":"away"},{"part":"database","ready":true},
            {"part":"mail server","ready":false,"reason":"refuses us"}]}"#;
        assert_eq!(obstacles(body).as_deref(), Some("broker: away; mail server: refuses us"));
        assert_eq!(obstacles("<html>"), None);
    }
}
