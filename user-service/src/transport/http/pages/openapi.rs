//! What the pages answer, for the API's description.

use std::collections::BTreeMap;

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::{Content, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Type};
use utoipa::{IntoResponses, PartialSchema};

type Responses = BTreeMap<String, RefOr<Response>>;

/// The answers to a link that is opened.
pub(super) struct Asked;

/// The answers to a button that is pressed.
pub(super) struct Answered;

impl IntoResponses for Asked {
    fn responses() -> Responses {
        pages(&[(200, "A page with a button."), (422, "The link did not arrive whole."), UNAVAILABLE])
    }
}

impl IntoResponses for Answered {
    fn responses() -> Responses {
        pages(&[
            (200, "It is done."),
            (400, "The form is not UTF-8, or did not arrive whole."),
            (413, "The form is too large."),
            (415, "It is no form."),
            (422, "The token does not count (any more), or a field does not hold what it must hold."),
            (429, "This client has asked too often."),
            (500, "Something went wrong on our side."),
            UNAVAILABLE,
        ])
    }
}

const UNAVAILABLE: (u16, &str) = (503, "The service cannot do this right now.");

fn pages(answers: &[(u16, &str)]) -> Responses {
    answers.iter().map(|(status, description)| (status.to_string(), page(*status, description))).collect()
}

fn page(status: u16, description: &str) -> RefOr<Response> {
    let html = Content::new(Some(String::schema()));
    let mut answer = ResponseBuilder::new().description(description).content("text/html", html);
    if status == 503 {
        // When too many requests are under way, none gets as far as the page.
        let problem = Content::new(Some(Ref::from_schema_name("Problem")));
        answer = answer.content("application/problem+json", problem);
    }
    if matches!(status, 429 | 503) {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer);
        let header = HeaderBuilder::new().description(Some("In so many seconds.")).schema(Some(seconds));
        answer = answer.header("Retry-After", header.build());
    }
    answer.build().into()
}
