//! `Idempotency-Key`: a request that its sender may repeat without its effect taking place twice.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use shared_kernel::SigningKeys;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::answer::{Answer, Answered};
use super::field_schemas;
use super::problem::{Problem, ProblemType};
use crate::entities::{Caller, Fingerprint};
use crate::interactors::{Once, Outcome};

pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(super) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The most characters of a key.
pub(super) const MAX_CHARS: usize = 255;

/// The key that the client chose for its request, where it chose one.
pub(super) struct IdempotencyKey(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        key(&parts.headers).map(Self)
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "Names this request, so that it can be sent again without being carried out twice: the \
                           same key with the same body gets the answer of the first time. A UUID does well.";
        vec![field_schemas::header("Idempotency-Key", description, field_schemas::idempotency_key())]
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let key = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(one), None) => one.as_bytes(),
        (Some(_), Some(_)) => b"",
    };
    let well_formed = (1..=MAX_CHARS).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    match String::from_utf8(key.to_vec()) {
        Ok(key) if well_formed => Ok(Some(key)),
        _ => Err(Problem::new(
            ProblemType::InvalidRequest,
            "Idempotency-Key must be sent once and have 1 to 255 visible ASCII characters",
        )),
    }
}

impl IdempotencyKey {
    /// The wish to carry out this request once. The same key of another caller, or to another route, is another
    /// key.
    pub(super) fn once<T: Answered>(
        self,
        keys: &SigningKeys,
        caller: Option<Caller>,
        route: &str,
        body: &[u8],
    ) -> Option<Once<T>> {
        let key = self.0?;
        let caller = caller.map_or_else(|| "anonymous".to_owned(), |caller| caller.user_id.to_string());
        let scoped = [caller.as_str(), route, key.as_str()].join("\0");
        Some(Once {
            key: Fingerprint(keys.fingerprint("idempotency-key", scoped.as_bytes())),
            body: Fingerprint(keys.fingerprint("idempotent-body", body)),
            answer: |outcome: &T| outcome.answer().to_text(),
        })
    }
}

/// The answer to what came of an idempotent request: when it was carried out before, exactly the answer of then.
pub(super) fn respond<T: Answered>(outcome: &Outcome<T>) -> Result<Response, Problem> {
    match outcome {
        Outcome::Done(outcome) => outcome.answer().into_response(),
        Outcome::Repeated(text) => {
            let mut response = Answer::from_text(text)?.into_response()?;
            response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
            Ok(response)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(values: &[&str]) -> Result<Option<String>, Problem> {
        let value = |value: &&str| (IDEMPOTENCY_KEY, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        key(&values.iter().map(value).collect())
    }

    #[test]
    fn a_key_is_one_header_of_visible_characters() {
        let longest = "x".repeat(MAX_CHARS);
        assert_eq!(sent(&[]).unwrap(), None);
        for good in ["7", "!~", &longest] {
            assert_eq!(sent(&[good]).unwrap().as_deref(), Some(good));
        }
        for bad in [&[""][..], &["a b"], &["é"], &["a\tb"], &[&format!("{longest}x")], &["a", "a"]] {
            assert!(sent(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn callers_and_routes_have_keys_of_their_own() {
        let keys = SigningKeys::parse(&"k".repeat(32)).unwrap();
        let once = |route: &str, key: &str, body: &str| {
            IdempotencyKey(Some(key.to_owned())).once::<()>(&keys, None, route, body.as_bytes()).unwrap()
        };
        let first = once("POST /users", "1", "{}");
        assert_eq!(first.key, once("POST /users", "1", "[]").key);
        assert_ne!(first.body, once("POST /users", "1", "[]").body);
        assert_ne!(first.key, once("POST /users", "2", "{}").key);
        assert_ne!(first.key, once("POST /password-resets", "1", "{}").key);
    }
}
