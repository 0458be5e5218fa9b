//! JSON bodies, read strictly: what cannot be read is refused with the field that is at fault.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::de::DeserializeOwned;

use super::MAX_BODY_BYTES;
use super::problem::{FieldProblem, Problem, ProblemType};

/// A body of `application/json`.
pub(super) struct JsonBody<T> {
    pub(super) value: T,
    /// As it was sent.
    pub(super) bytes: Bytes,
}

/// A body of `application/merge-patch+json` (RFC 7396), or of `application/json` with the same meaning.
pub(super) struct MergePatchBody<T>(pub(super) T);

/// No body.
pub(super) struct EmptyBody;

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_content_type(request.headers(), &["application/json"])?;
        let bytes = read(request, state).await?;
        Ok(Self { value: parse(&bytes)?, bytes })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for MergePatchBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_content_type(request.headers(), &["application/merge-patch+json", "application/json"])?;
        parse(&read(request, state).await?).map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for EmptyBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if read(request, state).await?.is_empty() {
            return Ok(Self);
        }
        Err(Problem::new(ProblemType::InvalidRequest, "the body must be empty"))
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::new(ProblemType::BodyTooLarge, format!("at most {MAX_BODY_BYTES} bytes are accepted"))
        } else {
            Problem::new(ProblemType::InvalidRequest, "the body did not arrive whole")
        }
    })
}

fn check_content_type(headers: &HeaderMap, accepted: &[&str]) -> Result<(), Problem> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if accepted.iter().any(|one| one.eq_ignore_ascii_case(essence)) {
        return Ok(());
    }
    Err(Problem::new(
        ProblemType::UnsupportedMediaType,
        format!("Content-Type must be {}", accepted.join(" or ")),
    ))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // serde would also fill a struct from an array, by position.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::new(ProblemType::InvalidRequest, "the body must be a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| refusal(&error))?;
    json.end().map_err(|_| Problem::new(ProblemType::InvalidRequest, "something follows the JSON object"))?;
    Ok(value)
}

/// Syntax is the request's fault as a whole; anything else is the fault of a field.
fn refusal(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let cause = error.inner();
    if !cause.is_data() {
        return Problem::new(
            ProblemType::InvalidRequest,
            format!("the body is not JSON: {}", without_values(&cause.to_string())),
        );
    }
    let text = cause.to_string();
    let named = text.split('`').nth(1).unwrap_or_default();
    let path = error.path().to_string();
    let field_problem = if text.starts_with("unknown field") {
        let accepted = text.split_once("expected ").map_or("", |(_, rest)| rest);
        let accepted = accepted.split(" at line").next().unwrap_or_default();
        let message = format!("is not a field here; accepted are {accepted}");
        FieldProblem::new(named, "unknown_field", &message)
    } else if text.starts_with("missing field") {
        FieldProblem::new(named, "required", "must be given")
    } else if text.starts_with("duplicate field") {
        FieldProblem::new(named, "duplicate", "must be given once")
    } else {
        let expected = text.split_once("expected ").map_or("another type", |(_, rest)| rest);
        let expected = expected.split(" at line").next().unwrap_or_default();
        FieldProblem::new(&path, "wrong_type", &format!("must be {expected}"))
    };
    Problem::of_fields(ProblemType::InvalidFields, vec![field_problem])
}

/// What the parser quotes of the body may be a password.
fn without_values(text: &str) -> String {
    text.split('`').step_by(2).collect::<Vec<_>>().join("…")
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read matters here")]
    struct Person {
        name: String,
        age: Option<u8>,
    }

    async fn refused(body: &str) -> (u16, serde_json::Value) {
        let response = parse::<Person>(body.as_bytes()).expect_err(body).into_response();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&to_bytes(response.into_body(), 9999).await.unwrap()).unwrap())
    }

    #[tokio::test]
    async fn what_is_no_json_object_is_a_400() {
        for body in
            ["", "name=ada", "[\"ada\"]", "null", "{\"name\":", "{\"name\":\"a\"} x", "{\"name\":\"\u{1}\"}"]
        {
            assert_eq!(refused(body).await.0, 400, "{body}");
        }
    }

    #[tokio::test]
    async fn a_field_at_fault_is_named_in_a_422() {
        for (body, field, code) in [
            (r#"{"nome":"ada"}"#, "nome", "unknown_field"),
            (r#"{"age":1}"#, "name", "required"),
            (r#"{"name":"a","name":"b"}"#, "name", "duplicate"),
            (r#"{"name":7}"#, "name", "wrong_type"),
            (r#"{"name":null}"#, "name", "wrong_type"),
            (r#"{"name":"a","age":-1}"#, "age", "wrong_type"),
        ] {
            let (status, problem) = refused(body).await;
            assert_eq!(status, 422, "{body}");
            assert_eq!(problem["errors"][0]["field"], field, "{body}: {problem}");
            assert_eq!(problem["errors"][0]["code"], code, "{body}: {problem}");
        }
    }
}
