//! The API's description as an OpenAPI 3.1 document, made of what stands at the handlers.

use std::sync::{Arc, LazyLock};

use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Object, Ref, RefOr, Response, Type};
use utoipa::{Modify, OpenApi, openapi};
use utoipa_axum::router::OpenApiRouter;

use super::problem::{FieldProblem, ProblemBody, ProblemType};
use super::state::ApiState;
use super::{field_schemas, refusals, routes};

const X_REQUEST_ID: &str = "X-Request-Id";

/// What any call can be refused for.
const ANY_CALL: &[ProblemType] =
    &[ProblemType::MethodNotAllowed, ProblemType::Internal, ProblemType::Unavailable];

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let mut document = routes::all().into_openapi().to_pretty_json().expect("a description has string keys");
    document.push('\n');
    document
});

/// The API's description: JSON that ends with a line break.
pub fn openapi_document() -> &'static str {
    &DOCUMENT
}

/// Read the API's description
///
/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "service", operation_id = "getOpenApi",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)),
)]
pub(super) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], openapi_document())
}

/// What is not about single routes.
pub(super) fn head() -> openapi::OpenApi {
    let mut head = Head::openapi();
    // Cargo's is an expression of two, which a document has no room for: it would become a link to nowhere.
    head.info.license = None;
    head
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "user-service",
        description = "People's account data. JSON in, JSON out; every refusal of the API is an \
                       application/problem+json (RFC 9457) whose type leads to a page that says what to do.",
    ),
    tags(
        (name = "users", description = "Accounts."),
        (name = "sessions", description = "Logging in and out."),
        (name = "passwords", description = "Changing and replacing them."),
        (name = "addresses", description = "Confirming them."),
        (name = "pages", description = "What the links in mails open."),
        (name = "service", description = "The service itself."),
    ),
    components(schemas(ProblemBody, FieldProblem)),
    modifiers(&Bearer),
)]
struct Head;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let description = "The accessToken of a session, which is begun by POST /sessions.";
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(description))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// Adds to every route what all of them have.
pub(super) fn described(mut routes: OpenApiRouter<Arc<ApiState>>) -> OpenApiRouter<Arc<ApiState>> {
    let document = routes.get_openapi_mut();
    for operation in document.paths.paths.values_mut().flat_map(refusals::operations) {
        refusals::add(operation, ANY_CALL);
        let id = Ref::new(format!("#/components/parameters/{X_REQUEST_ID}"));
        operation.parameters.get_or_insert_default().push(RefOr::Ref(id));
        operation.responses.responses.values_mut().for_each(add_request_id);
    }
    refusals::add_components(document);
    let components = document.components.get_or_insert_default();
    components.responses.values_mut().for_each(add_request_id);
    let description = "Names the request in logs and in the answer; one is made up when there is none, or when it has \
                       other characters than letters, digits, dot, underscore and hyphen, or more than 128.";
    let parameter = field_schemas::header(X_REQUEST_ID, description, Object::with_type(Type::String));
    components.parameters.insert(X_REQUEST_ID.to_owned(), parameter.into());
    let header = HeaderBuilder::new().description(Some("The request's name in logs.")).build();
    components.headers.insert(X_REQUEST_ID.to_owned(), header.into());
    routes
}

fn add_request_id(response: &mut RefOr<Response>) {
    if let RefOr::T(Response { headers, .. }) = response {
        let id = Ref::new(format!("#/components/headers/{X_REQUEST_ID}"));
        headers.insert(X_REQUEST_ID.to_owned(), RefOr::Ref(id));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
        document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, it)| (format!("{method} {path}"), it))
        })
    }

    #[test]
    fn every_operation_is_described() {
        let document: Value = serde_json::from_str(openapi_document()).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        let mut ids = BTreeSet::new();
        for (name, operation) in operations(&document) {
            for text in ["summary", "operationId"] {
                assert!(operation[text].as_str().is_some_and(|text| !text.is_empty()), "{name}: {text}");
            }
            assert!(operation["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{name}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name}: the id is not its own");
        }
        assert!(ids.len() > 20, "{ids:?}");
    }

    #[test]
    fn whoever_needs_a_login_says_so() {
        let document: Value = serde_json::from_str(openapi_document()).unwrap();
        for (name, operation) in operations(&document) {
            let refuses = operation["responses"]["401"].to_string().contains("/unauthenticated");
            let needs = operation.get("security").is_some();
            assert_eq!(refuses, needs || name == "post /sessions/refresh", "{name}");
        }
    }

    #[test]
    fn links_lead_to_operations() {
        let document: Value = serde_json::from_str(openapi_document()).unwrap();
        let ids: BTreeSet<_> =
            operations(&document).map(|(_, it)| it["operationId"].clone().to_string()).collect();
        let mut links = 0;
        for (name, operation) in operations(&document) {
            for (_, response) in operation["responses"].as_object().unwrap() {
                for (_, link) in response.get("links").and_then(Value::as_object).into_iter().flatten() {
                    assert!(ids.contains(&link["operationId"].to_string()), "{name}: {link}");
                    links += 1;
                }
            }
        }
        assert!(links > 5, "{links}");
    }
}
