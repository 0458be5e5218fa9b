//! How every refusal is said.

use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared_kernel::in_words;
use tracing::error;

use crate::entities::{FieldViolation, UniqueField};
use crate::interactors::UserError;

/// The kinds of refusal. Each has a page of its own in `docs/problems/`, which its `type` leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProblemType {
    InvalidRequest,
    BodyTooLarge,
    UnsupportedMediaType,
    NotAcceptable,
    InvalidFields,
    AlreadyTaken,
    NoSuchUser,
    NoSuchRoute,
    MethodNotAllowed,
    StaleVersion,
    Unavailable,
    Internal,
}

impl ProblemType {
    pub(super) const ALL: [Self; 12] = [
        Self::InvalidRequest,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::NotAcceptable,
        Self::InvalidFields,
        Self::AlreadyTaken,
        Self::NoSuchUser,
        Self::NoSuchRoute,
        Self::MethodNotAllowed,
        Self::StaleVersion,
        Self::Unavailable,
        Self::Internal,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid-request",
            Self::BodyTooLarge => "body-too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::NotAcceptable => "not-acceptable",
            Self::InvalidFields => "invalid-fields",
            Self::AlreadyTaken => "already-taken",
            Self::NoSuchUser => "no-such-user",
            Self::NoSuchRoute => "no-such-route",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::StaleVersion => "stale-version",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::InvalidFields => StatusCode::UNPROCESSABLE_ENTITY,
            Self::AlreadyTaken => StatusCode::CONFLICT,
            Self::NoSuchUser | Self::NoSuchRoute => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::StaleVersion => StatusCode::PRECONDITION_FAILED,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::InvalidRequest => "The request cannot be read",
            Self::BodyTooLarge => "The body is too large",
            Self::UnsupportedMediaType => "The body has a type that is not accepted here",
            Self::NotAcceptable => "The answer has a type that was not asked for",
            Self::InvalidFields => "Fields do not hold what they must hold",
            Self::AlreadyTaken => "Another account has this already",
            Self::NoSuchUser => "There is no such user",
            Self::NoSuchRoute => "There is nothing here",
            Self::MethodNotAllowed => "This method is not allowed here",
            Self::StaleVersion => "The user was changed meanwhile",
            Self::Unavailable => "The service cannot do this right now",
            Self::Internal => "Something went wrong on our side",
        }
    }
}

/// A refusal on its way to the client.
#[derive(Debug)]
pub(super) struct Problem {
    kind: ProblemType,
    detail: String,
    errors: Vec<FieldProblem>,
}

/// What is wrong with one field.
#[derive(Debug, Serialize)]
pub(super) struct FieldProblem {
    field: String,
    code: String,
    message: String,
}

#[derive(Serialize)]
struct ProblemBody<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldProblem],
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
        Self { kind, detail: detail.into(), errors: Vec::new() }
    }

    /// A refusal for what fields hold; the detail repeats the first, for clients that show only that.
    pub(super) fn of_fields(kind: ProblemType, errors: Vec<FieldProblem>) -> Self {
        let detail =
            errors.first().map_or_else(String::new, |first| format!("{} {}", first.field, first.message));
        Self { kind, detail, errors }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.kind.status();
        let body = ProblemBody {
            r#type: format!("/problems/{}", self.kind.name()),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: &self.detail,
            errors: &self.errors,
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.kind == ProblemType::Unavailable {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
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
    Problem::new(ProblemType::NoSuchRoute, format!("no route has the path {}", uri.path()))
}

/// Answers a method that a route does not have; the router adds `Allow`.
pub(super) async fn method_not_allowed(method: Method) -> Problem {
    Problem::new(ProblemType::MethodNotAllowed, format!("{method} is not among the methods in Allow"))
}
