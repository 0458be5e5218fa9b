//! How every refusal is said.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared_kernel::in_words;
use tracing::error;
use utoipa::ToSchema;

pub(super) use super::problem_type::ProblemType;
use super::request_trace;
use crate::entities::{FieldViolation, UniqueField};
use crate::interactors::UserError;

/// A refusal on its way to the client.
#[derive(Debug)]
pub(super) struct Problem {
    kind: ProblemType,
    detail: String,
    errors: Vec<FieldProblem>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What is wrong with one field.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FieldProblem {
    /// The field, query parameter or part of the path.
    field: String,
    /// Stable and for programs, such as `too_long`.
    code: String,
    /// For people: what is accepted instead.
    message: String,
}

/// Why a request was refused (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemBody<'a> {
    /// The path of a page about this kind of refusal. Stable and for programs.
    r#type: String,
    /// The kind of refusal, for people.
    title: &'static str,
    /// As in the status line.
    status: u16,
    /// This refusal, for people.
    detail: &'a str,
    /// What is wrong with which field, where fields are at fault.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldProblem],
    /// What this request is called in traces and logs: 32 hexadecimal digits.
    #[serde(rename = "traceId", skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

impl FieldProblem {
    pub(super) fn new(field: &str, code: &str, message: &str) -> Self {
        Self { field: field.to_owned(), code: code.to_owned(), message: message.to_owned() }
    }

    pub(super) fn field(&self) -> &str {
        &self.field
    }
}

impl Problem {
    pub(super) fn new(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    /// Says in how many seconds the same request can succeed.
    #[must_use]
    pub(super) fn retry_after(self, seconds: u64) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    #[must_use]
    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn no_such_route(uri: &Uri) -> Self {
        Self::new(ProblemType::NoSuchRoute, format!("no route has the path {}", uri.path()))
    }

    /// A refusal for what fields hold; the detail repeats the first, for clients that show only that.
    pub(super) fn of_fields(kind: ProblemType, errors: Vec<FieldProblem>) -> Self {
        let detail =
            errors.first().map_or_else(String::new, |first| format!("{} {}", first.field, first.message));
        Self { kind, detail, errors, headers: Vec::new() }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.kind.status();
        let body = ProblemBody {
            r#type: self.kind.path(),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: &self.detail,
            errors: &self.errors,
            trace_id: request_trace::trace_id(),
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.extend(self.headers);
        match status {
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.entry(header::RETRY_AFTER).or_insert(HeaderValue::from_static("1"));
            }
            // RFC 9110, section 15.5.2, asks for one.
            StatusCode::UNAUTHORIZED => {
                headers.entry(header::WWW_AUTHENTICATE).or_insert(HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}

impl From<UserError> for Problem {
    fn from(failure: UserError) -> Self {
        match failure {
            UserError::NotFound => Self::new(ProblemType::NoSuchUser, "no user has this id"),
            UserError::Taken(fields) => Self::of_fields(
                ProblemType::AlreadyTaken,
                fields.into_iter().map(|field| taken(field_name(field))).collect(),
            ),
            UserError::Invalid(violation) => {
                Self::of_fields(ProblemType::InvalidFields, vec![FieldProblem::from(violation)])
            }
            UserError::Stale { current } => Self::new(
                ProblemType::StaleVersion,
                format!("If-Match names another version than the current one, \"{current}\""),
            ),
            UserError::Unauthenticated => {
                Self::new(ProblemType::Unauthenticated, "the token does not count (any more)")
            }
            UserError::Forbidden => Self::new(ProblemType::Forbidden, "you may not do this"),
            UserError::WrongCredentials => {
                Self::new(ProblemType::WrongCredentials, "no account has this name and this password")
            }
            UserError::BadToken => Self::of_fields(
                ProblemType::InvalidFields,
                vec![FieldProblem::new(
                    "token",
                    "invalid_token",
                    "must be the token of a link that still counts",
                )],
            ),
            UserError::KeyReused => Self::new(
                ProblemType::IdempotencyKeyReused,
                "Idempotency-Key must be a new one, since this one came with another body before",
            ),
            failure if failure.is_in_progress() => Self::new(
                ProblemType::RequestInProgress,
                "the request with this Idempotency-Key is still being carried out",
            )
            .retry_after(1),
            failure => {
                let kind =
                    if failure.is_retryable() { ProblemType::Unavailable } else { ProblemType::Internal };
                error!(cause = in_words(&failure), "a request failed");
                Self::new(kind, "nothing was changed, unless the connection broke during the commit")
            }
        }
    }
}

impl From<FieldViolation> for FieldProblem {
    fn from(found: FieldViolation) -> Self {
        Self::new(found.field, found.violation.code, found.violation.message)
    }
}

fn field_name(field: UniqueField) -> &'static str {
    match field {
        UniqueField::Username => "username",
        UniqueField::Email => "email",
    }
}

fn taken(field: &'static str) -> FieldProblem {
    FieldProblem::new(field, "taken", "is taken by another account; case does not count")
}

/// Answers a path that no route has.
pub(super) async fn no_such_route(uri: Uri) -> Problem {
    Problem::no_such_route(&uri)
}

/// Answers a method that a route does not have; the router adds `Allow`.
pub(super) async fn method_not_allowed(method: Method) -> Problem {
    Problem::new(ProblemType::MethodNotAllowed, format!("{method} is not among the methods in Allow"))
}
