//! Which address a request came from, also behind proxies.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::{IpNet, Ipv4Net};
use thiserror::Error;

use super::state::ApiState;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address at the other end of the connection, which the server puts into each request's extensions.
#[derive(Debug, Clone, Copy)]
pub(super) struct PeerAddress(pub(super) SocketAddr);

/// The proxies that are believed when they say for whom they ask. By default there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// The text is no list of proxies.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "it must be addresses or networks, separated by commas, such as 10.0.0.0/8, 127.0.0.1, ::1; {0:?} is neither"
)]
pub struct BadProxies(String);

impl TrustedProxies {
    /// Reads addresses and networks, separated by commas; nothing is none.
    ///
    /// # Errors
    ///
    /// [`BadProxies`], which says what is accepted.
    pub fn parse(text: &str) -> Result<Self, BadProxies> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(network).collect::<Result<_, _>>().map(Self)
    }

    fn include(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Walks from the peer along what the proxies wrote, each to the right of what it was sent, up to the first
    /// address that is no proxy's. What stands further left is that client's to invent.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let mut entries = headers.get_all(X_FORWARDED_FOR).iter().rev().flat_map(entries_from_the_right);
        while self.include(client) {
            match entries.next().and_then(address) {
                Some(forwarded_for) => client = forwarded_for,
                None => break,
            }
        }
        client
    }
}

fn network(entry: &str) -> Result<IpNet, BadProxies> {
    let network = entry.parse::<IpNet>().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from));
    network.map(canonical).map_err(|_| BadProxies(entry.to_owned()))
}

/// The network of IPv4 addresses that a network of IPv4-mapped ones stands for.
fn canonical(network: IpNet) -> IpNet {
    let mapped = match network {
        IpNet::V6(v6) => v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96)),
        IpNet::V4(_) => None,
    };
    mapped.and_then(|(v4, prefix)| Ipv4Net::new(v4, prefix).ok()).map_or(network, IpNet::V4)
}

/// By bytes, so that no letter that a client puts in front makes a proxy's entry unreadable.
fn entries_from_the_right(line: &HeaderValue) -> impl Iterator<Item = &str> {
    let entries = line.as_bytes().rsplit(|byte| *byte == b',');
    entries.map(|entry| str::from_utf8(entry).unwrap_or_default().trim())
}

/// An address, which some proxies write with the port.
fn address(entry: &str) -> Option<IpAddr> {
    let with_port = || entry.parse().ok().map(|address: SocketAddr| address.ip());
    entry.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// The client's address: the peer's, or whom trusted proxies say that they ask for. Unspecified when the request
/// came over no connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientAddress(pub(super) IpAddr);

impl FromRequestParts<Arc<ApiState>> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<ApiState>) -> Result<Self, Infallible> {
        let peer = parts.extensions.get().map(|PeerAddress(peer)| peer.ip());
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Ok(Self(state.trusted_proxies.client(peer, &parts.headers)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whom a request is from that comes from `peer` with these header lines.
    fn client(proxies: &str, peer: &str, lines: &[&str]) -> String {
        let proxies = TrustedProxies::parse(proxies).unwrap();
        let line = |line: &&str| (X_FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        let headers = lines.iter().map(line).collect();
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn a_stranger_cannot_say_whom_they_ask_for() {
        for proxies in ["", "10.0.0.0/8"] {
            assert_eq!(client(proxies, "203.0.113.5", &["198.51.100.7"]), "203.0.113.5");
        }
    }

    #[test]
    fn a_trusted_proxy_is_believed() {
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", &["2001:db8::7"]), "2001:db8::7");
        assert_eq!(client("::1", "::1", &["198.51.100.7"]), "198.51.100.7");
    }

    #[test]
    fn a_proxy_that_names_nobody_asks_for_itself() {
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", &[]), "10.1.2.3");
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", &[""]), "10.1.2.3");
    }

    #[test]
    fn what_a_client_put_in_front_is_not_believed() {
        // The client sent "127.0.0.1, 10.9.9.9"; the proxy appended the client's address.
        for lines in [
            &["127.0.0.1, 10.9.9.9, 198.51.100.7"][..],
            &["127.0.0.1, 10.9.9.9", "198.51.100.7"],
            &["127.0.0.1", "10.9.9.9, 198.51.100.7"],
            &["\u{e9}, 198.51.100.7"],
        ] {
            assert_eq!(client("10.0.0.0/8, 127.0.0.1", "10.1.2.3", lines), "198.51.100.7", "{lines:?}");
        }
    }

    #[test]
    fn the_walk_goes_on_through_further_trusted_proxies() {
        let lines = ["192.0.2.1, 198.51.100.7", "10.0.0.2,10.0.0.3"];
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", &lines), "198.51.100.7");
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", &["10.0.0.2, 10.0.0.3"]), "10.0.0.2");
    }

    #[test]
    fn the_walk_ends_before_what_is_no_address() {
        for bad in ["unknown", "", "1.2.3", "1.2.3.4.5", "198.51.100.7 x", "_hidden", "10.0.0.0/8", "é"] {
            let line = format!("198.51.100.7, {bad}, 10.0.0.3");
            assert_eq!(client("10.0.0.0/8", "10.1.2.3", &[&line]), "10.0.0.3", "{bad:?}");
        }
    }

    #[test]
    fn a_port_after_the_address_does_not_count() {
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", &["198.51.100.7:4711"]), "198.51.100.7");
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", &["[2001:db8::7]:4711"]), "2001:db8::7");
    }

    #[test]
    fn an_ipv4_mapped_address_is_the_ipv4_address() {
        assert_eq!(client("", "::ffff:203.0.113.5", &[]), "203.0.113.5");
        assert_eq!(client("10.0.0.0/8", "::ffff:10.1.2.3", &["::ffff:198.51.100.7"]), "198.51.100.7");
        for proxies in ["::ffff:10.0.0.0/104", "::ffff:10.1.2.3"] {
            assert_eq!(client(proxies, "10.1.2.3", &["198.51.100.7"]), "198.51.100.7", "{proxies}");
        }
    }

    #[test]
    fn a_list_of_proxies_is_read_or_refused_with_what_is_accepted() {
        let proxies = TrustedProxies::parse(" 10.0.0.0/8,127.0.0.1 ,\t::1,2001:db8::/32").unwrap();
        for (address, trusted) in [
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("127.0.0.1", true),
            ("127.0.0.2", false),
            ("::1", true),
            ("::2", false),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(proxies.include(address.parse().unwrap()), trusted, "{address}");
        }
        assert_eq!(TrustedProxies::parse(""), Ok(TrustedProxies::default()));
        for text in ["localhost", "10.0.0.0/33", "10.0.0.0/8 127.0.0.1", "10.0.0.1:80", "10.0.0.0/8;::1"] {
            let error = TrustedProxies::parse(text).unwrap_err().to_string();
            assert!(error.contains("10.0.0.0/8, 127.0.0.1, ::1") && error.contains(text), "{error}");
        }
    }
}
