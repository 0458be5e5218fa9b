//! `X-Request-Id`: what a client, a log line and an answer call one request by.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use tower_http::request_id::{MakeRequestId, MakeRequestUuid, RequestId};

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_CHARS: usize = 128;

/// The client's id, or a new one.
pub(super) fn of(request: &Request) -> Option<HeaderValue> {
    let given = request.headers().get(X_REQUEST_ID).filter(|id| is_plain(id)).cloned();
    given.or_else(|| MakeRequestUuid.make_request_id(request).map(RequestId::into_header_value))
}

/// What a stranger sends goes into logs, so only what can do no harm there is taken.
fn is_plain(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (1..=MAX_CHARS).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}
