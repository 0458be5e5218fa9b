//! Who makes a call: `Authorization: Bearer …` (RFC 6750).

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};

use super::problem::{Problem, ProblemType};
use super::state::ApiState;
use crate::entities::Caller;
use crate::interactors::UserError;

/// The caller, who has shown an access token that counts. Comes before anything else of the request is looked at.
pub(super) struct Authenticated(pub(super) Caller);

impl FromRequestParts<Arc<ApiState>> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<ApiState>) -> Result<Self, Problem> {
        let token = bearer_token(&parts.headers)
            .ok_or_else(|| refusal("send an access token: Authorization: Bearer …", "Bearer"))?;
        match state.use_cases.authenticate.execute(token).await {
            Ok(caller) => Ok(Self(caller)),
            Err(UserError::Unauthenticated) => {
                Err(refusal("the access token does not count (any more)", "Bearer error=\"invalid_token\""))
            }
            Err(failure) => Err(failure.into()),
        }
    }
}

fn refusal(detail: &str, challenge: &'static str) -> Problem {
    Problem::new(ProblemType::Unauthenticated, detail)
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

/// The token of the only `Authorization` header; none of two, since a proxy may have looked at the other one.
fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_bearer_token_is_taken() {
        for (values, token) in [
            (&["Bearer abc"][..], Some("abc")),
            (&["bearer  abc "], Some("abc")),
            (&[], None),
            (&[""], None),
            (&["Bearer"], None),
            (&["Bearer "], None),
            (&["abc"], None),
            (&["Basic YTpi"], None),
            (&["Bearer abc", "Bearer abc"], None),
        ] {
            let value = |value: &&str| (header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            assert_eq!(bearer_token(&values.iter().map(value).collect()), token, "{values:?}");
        }
    }
}
