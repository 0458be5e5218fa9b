//! Answers that are written down to be given again.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tracing::error;

use super::problem::{Problem, ProblemType};

/// An answer with all that a client sees of it.
#[derive(Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) status: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) location: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    /// JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<String>,
}

/// What an answer can be made of.
pub(super) trait Answered {
    fn answer(&self) -> Answer;
}

/// It was taken down, and there is nothing to say about it.
impl Answered for () {
    fn answer(&self) -> Answer {
        Answer { status: StatusCode::ACCEPTED.as_u16(), location: None, etag: None, body: None }
    }
}

impl Answer {
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("an answer has string keys and no failing serializer")
    }

    pub(super) fn from_text(text: &str) -> Result<Self, Problem> {
        serde_json::from_str(text).map_err(|_| unreadable())
    }

    pub(super) fn into_response(self) -> Result<Response, Problem> {
        let Self { status, location, etag, body } = self;
        let status = StatusCode::from_u16(status).map_err(|_| unreadable())?;
        let content_type = body.is_some().then(|| "application/json".to_owned());
        let mut response = (status, body.unwrap_or_default()).into_response();
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_TYPE);
        for (name, value) in
            [(header::CONTENT_TYPE, content_type), (header::LOCATION, location), (header::ETAG, etag)]
        {
            if let Some(value) = value {
                headers.insert(name, HeaderValue::try_from(value).map_err(|_| unreadable())?);
            }
        }
        Ok(response)
    }
}

fn unreadable() -> Problem {
    error!("a stored answer cannot be read");
    Problem::new(ProblemType::Internal, "the request was carried out before, and its answer is lost")
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn what_was_written_down_is_answered_again() {
        let answer = Answer {
            status: 201,
            location: Some("/users/7".to_owned()),
            etag: Some("\"1\"".to_owned()),
            body: Some(r#"{"id":"7"}"#.to_owned()),
        };
        let response = Answer::from_text(&answer.to_text()).unwrap().into_response().unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.headers()["location"], "/users/7");
        assert_eq!(response.headers()["etag"], "\"1\"");
        assert_eq!(to_bytes(response.into_body(), 99).await.unwrap(), r#"{"id":"7"}"#);
    }

    #[tokio::test]
    async fn an_empty_answer_stays_empty() {
        let response = Answer::from_text(&().answer().to_text()).unwrap().into_response().unwrap();
        assert_eq!((response.status().as_u16(), response.headers().len()), (202, 0));
        assert!(to_bytes(response.into_body(), 99).await.unwrap().is_empty());
    }
}
