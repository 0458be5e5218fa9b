//! `ETag` and `If-Match` (RFC 9110, section 13): an account's version, quoted.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::field_schemas;
use super::problem::{Problem, ProblemType};

/// No account has been changed so often, and any such number can be held.
const MAX_DIGITS: usize = 18;

/// The version that the client last saw, where it names one.
pub(super) struct IfMatch(pub(super) Option<i64>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(header::IF_MATCH).iter();
        let text = match (values.next(), values.next()) {
            (None, _) => return Ok(Self(None)),
            (Some(one), None) => one.to_str().unwrap_or_default().trim(),
            // A list, which is refused also when it is written on one line.
            (Some(_), Some(_)) => "",
        };
        if text == "*" {
            return Ok(Self(None));
        }
        text.strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .filter(|version| {
                version.len() <= MAX_DIGITS && version.bytes().all(|byte| byte.is_ascii_digit())
            })
            .and_then(|version| version.parse().ok())
            .map(|version| Self(Some(version)))
            .ok_or_else(|| {
                Problem::new(
                    ProblemType::InvalidRequest,
                    "If-Match must be one ETag of this user, such as \"7\"",
                )
            })
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "Refuses the call when the user is at another version than this ETag's.";
        vec![field_schemas::header("If-Match", description, field_schemas::etag())]
    }
}

pub(super) fn etag(version: i64) -> HeaderValue {
    HeaderValue::from_str(&etag_text(version)).expect("digits and quotes may stand in a header")
}

pub(super) fn etag_text(version: i64) -> String {
    format!("\"{version}\"")
}
