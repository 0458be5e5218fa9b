//! Which pages of other origins may call the API from a browser (<https://fetch.spec.whatwg.org/#http-cors-protocol>).

use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use thiserror::Error;
use tower_http::cors::CorsLayer;

use super::idempotency::{IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED};
use super::request_id::X_REQUEST_ID;

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
const EXPOSED: [HeaderName; 6] =
    [header::ETAG, header::LINK, header::LOCATION, header::RETRY_AFTER, IDEMPOTENCY_REPLAYED, X_REQUEST_ID];

/// The origins whose pages may call the API from a browser. By default there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorsOrigins(Vec<HeaderValue>);

/// The text is no list of origins.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "it must be origins, separated by commas, such as https://app.example.org, http://localhost:3000; {0:?} is none"
)]
pub struct BadOrigins(String);

impl CorsOrigins {
    /// Reads origins, separated by commas.
    ///
    /// # Errors
    ///
    /// [`BadOrigins`], which says what is accepted.
    pub fn parse(text: &str) -> Result<Self, BadOrigins> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries
            .map(|entry| origin(entry).ok_or_else(|| BadOrigins(entry.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// An origin as browsers send it: scheme, host, and the port unless it is the scheme's own.
fn origin(entry: &str) -> Option<HeaderValue> {
    let entry = entry.to_ascii_lowercase();
    let uri: Uri = entry.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let is_web = matches!(scheme, "http" | "https");
    let nothing_else = entry == format!("{scheme}://{authority}") && !entry.contains(['@', '*']);
    (is_web && nothing_else).then(|| HeaderValue::try_from(entry).ok()).flatten()
}

/// Without origins, browsers are told nothing, and so let no other page call.
pub(super) fn apply(routes: Router, origins: CorsOrigins) -> Router {
    let CorsOrigins(origins) = origins;
    if origins.is_empty() {
        return routes;
    }
    routes.layer(
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods(METHODS)
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                IDEMPOTENCY_KEY,
                header::IF_MATCH,
                X_REQUEST_ID,
            ])
            .expose_headers(EXPOSED)
            .max_age(Duration::from_secs(600)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_origins_is_read_or_refused_with_what_is_accepted() {
        let origins =
            CorsOrigins::parse(" https://App.example.org,http://localhost:3000 ,http://[::1]:80").unwrap();
        assert_eq!(origins.0, ["https://app.example.org", "http://localhost:3000", "http://[::1]:80"]);
        assert_eq!(CorsOrigins::parse(""), Ok(CorsOrigins::default()));
        for text in [
            "*",
            "null",
            "app.example.org",
            "https://app.example.org/",
            "https://app.example.org/path",
            "https://a@app.example.org",
            "https://*.example.org",
            "ftp://example.org",
            "https://a.example https://b.example",
        ] {
            let error = CorsOrigins::parse(text).unwrap_err().to_string();
            assert!(error.contains("https://app.example.org, http://") && error.contains(text), "{error}");
        }
    }
}
