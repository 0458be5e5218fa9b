use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// The caller's W3C trace context, which goes with the event to whoever handles it
/// (<https://www.w3.org/TR/trace-context/>). What does not look like one is left out.
pub(super) struct Traceparent(pub(super) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Traceparent {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let text = parts.headers.get("traceparent").and_then(|value| value.to_str().ok());
        Ok(Self(text.filter(|text| is_traceparent(text)).map(str::to_owned)))
    }
}

fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    parts.len() == 4
        && parts.iter().map(|part| part.len()).eq([2, 32, 16, 2])
        && parts.iter().all(|part| hex(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trace_context_is_taken_for_one() {
        assert!(is_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
        for text in ["", "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-1-2-01", "a\r\nb"] {
            assert!(!is_traceparent(text), "{text:?}");
        }
    }
}
