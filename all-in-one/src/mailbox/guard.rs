//! Keeps other web sites out: the mailbox has no login, and a browser on this computer is open to all of them.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Refuses a request by a name that could be made to point here (DNS rebinding), and a change that another site's
/// page asks for (cross-site request forgery).
pub(super) async fn refuse_other_sites(request: Request, next: Next) -> Response {
    let Some(host) = host(request.headers()) else {
        return refused("Open the mailbox by IP address or as localhost, not by another name.\n");
    };
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    if !reads && !origin_is(request.headers(), &host) {
        return refused("The request came from another site's page.\n");
    }
    next.run(request).await
}

fn refused(why: &'static str) -> Response {
    (StatusCode::FORBIDDEN, why).into_response()
}

/// The `Host` header, if it is an IP address or localhost.
fn host(headers: &HeaderMap) -> Option<Authority> {
    let authority: Authority = headers.get(header::HOST)?.to_str().ok()?.parse().ok()?;
    let host = authority.host();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let local = host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok();
    local.then_some(authority)
}

/// Whether the page that asks, if it is a page, is of this host. Programs other than browsers send no `Origin`.
fn origin_is(headers: &HeaderMap, host: &Authority) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"))
        .is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host.as_str()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn with(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn only_ip_addresses_and_localhost_are_hosts() {
        for accepted in ["127.0.0.1:8025", "192.168.1.5", "[::1]:8025", "localhost:8025", "LOCALHOST"] {
            assert!(host(&with(header::HOST, accepted)).is_some(), "{accepted}");
        }
        for refused in
            ["evil.example", "127.0.0.1.evil.example:8025", "localhost.evil.example", "", "a b", "::1:1"]
        {
            assert!(host(&with(header::HOST, refused)).is_none(), "{refused}");
        }
        assert!(host(&HeaderMap::new()).is_none());
    }

    #[test]
    fn an_origin_must_be_the_host_itself() {
        let host = host(&with(header::HOST, "127.0.0.1:8025")).unwrap();
        assert!(origin_is(&HeaderMap::new(), &host));
        assert!(origin_is(&with(header::ORIGIN, "http://127.0.0.1:8025"), &host));
        for other in
            ["null", "http://127.0.0.1:8080", "http://evil.example", "http://127.0.0.1:8025.evil.example"]
        {
            assert!(!origin_is(&with(header::ORIGIN, other), &host), "{other}");
        }
    }
}
