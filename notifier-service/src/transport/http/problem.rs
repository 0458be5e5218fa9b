use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::interactors::{LettersError, OperatorError};

/// A refusal, as RFC 9457 has it. The status alone says what kind it is (`about:blank`); the detail is for people.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) detail: String,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }
}

impl From<OperatorError> for Problem {
    fn from(error: OperatorError) -> Self {
        match error {
            OperatorError::NoSuchMail(_) => Self::new(StatusCode::NOT_FOUND, error.to_string()),
            OperatorError::NotPossible(words) => Self::new(StatusCode::CONFLICT, words),
            OperatorError::Ledger(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "an operator had to be refused");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "the ledger is not available; try again")
            }
        }
    }
}

impl From<LettersError> for Problem {
    fn from(error: LettersError) -> Self {
        tracing::warn!(error = &error as &dyn std::error::Error, "an operator had to be refused");
        let (what, is_retryable) = match &error {
            LettersError::Log(_) => ("the dead-letter topic cannot be read", error.is_retryable()),
            LettersError::Ledger(_) => ("the ledger is not available", error.is_retryable()),
        };
        if is_retryable {
            Self::new(StatusCode::SERVICE_UNAVAILABLE, format!("{what}; try again"))
        } else {
            Self::new(StatusCode::INTERNAL_SERVER_ERROR, format!("{what}; the log says why"))
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Refused"),
            status: self.status.as_u16(),
            detail: &self.detail,
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}
