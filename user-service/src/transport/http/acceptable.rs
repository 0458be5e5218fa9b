//! `Accept` (RFC 9110, section 12.5.1): the API answers in JSON alone.

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::{Problem, ProblemType};

/// Refuses a request whose sender could not read the answer, before anything is done for it. For the routes that
/// answer in JSON; the pages for people and for probes are served to everybody.
pub(super) async fn check(request: Request, next: Next) -> Response {
    if !accepts_json(request.headers()) {
        return Problem::new(ProblemType::NotAcceptable, "Accept must allow application/json")
            .into_response();
    }
    next.run(request).await
}

fn accepts_json(headers: &HeaderMap) -> bool {
    let mut ranges = headers
        .get_all(header::ACCEPT)
        .into_iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .peekable();
    ranges.peek().is_none() || ranges.any(is_json)
}

fn is_json(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let refused = parts.any(|parameter| matches!(parameter, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
    matches!(media.as_str(), "*/*" | "application/*" | "application/json") && !refused
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn json_must_be_among_what_is_accepted() {
        for (accept, accepted) in [
            ("", true),
            ("*/*", true),
            ("application/json", true),
            ("Application/JSON;q=0.5", true),
            ("text/html, application/*;q=0.1", true),
            ("text/html", false),
            ("application/json;q=0", false),
            ("application/xml, text/*", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(accepts_json(&headers), accepted, "{accept:?}");
        }
        assert!(accepts_json(&HeaderMap::new()));
    }
}
