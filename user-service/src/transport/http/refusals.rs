//! Which refusals a route can answer with, for the API's description.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::json;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{ContentBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder, Type};
use utoipa_axum::router::UtoipaMethodRouter;

use super::problem::ProblemType;
use super::state::ApiState;

const RESPONSES: &str = "#/components/responses/";

/// Says of a route that it can refuse a call so.
pub(super) fn refusing(
    route: UtoipaMethodRouter<Arc<ApiState>>,
    kinds: &[&[ProblemType]],
) -> UtoipaMethodRouter<Arc<ApiState>> {
    let (schemas, mut paths, handlers) = route;
    for operation in paths.paths.values_mut().flat_map(operations) {
        add(operation, &kinds.concat());
    }
    (schemas, paths, handlers)
}

/// The operations of one path.
pub(super) fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.get, &mut path.put, &mut path.post, &mut path.delete, &mut path.patch].into_iter().flatten()
}

/// Adds these refusals to an operation, but for statuses of which it says something already. Each is a reference to
/// a component that is named after the kinds of refusal.
pub(super) fn add(operation: &mut Operation, kinds: &[ProblemType]) {
    let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for kind in kinds {
        let names = by_status.entry(kind.status().as_u16()).or_default();
        if !names.contains(&kind.name()) {
            names.push(kind.name());
        }
    }
    for (status, names) in by_status {
        let reference = || Ref::new(format!("{RESPONSES}{}", names.join("."))).into();
        operation.responses.responses.entry(status.to_string()).or_insert_with(reference);
    }
}

/// Adds the components that [`add`] refers to.
pub(super) fn add_components(document: &mut OpenApi) {
    let mut found = BTreeMap::new();
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        for response in operation.responses.responses.values() {
            if let RefOr::Ref(reference) = response
                && let Some(names) = reference.ref_location.strip_prefix(RESPONSES)
            {
                let kinds: Vec<_> = names.split('.').filter_map(ProblemType::named).collect();
                found.insert(names.to_owned(), response_of(&kinds).into());
            }
        }
    }
    document.components.get_or_insert_default().responses.extend(found);
}

fn response_of(kinds: &[ProblemType]) -> Response {
    let titles: Vec<_> = kinds.iter().map(|kind| format!("{} ({}).", kind.title(), kind.name())).collect();
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .examples_from_iter(kinds.iter().map(|kind| (kind.name(), example(*kind))))
        .build();
    let response =
        ResponseBuilder::new().description(titles.join(" ")).content("application/problem+json", content);
    let headers = kinds.iter().filter_map(|kind| header(*kind));
    headers.fold(response, |response, (name, header)| response.header(name, header)).build()
}

fn example(kind: ProblemType) -> ExampleBuilder {
    let mut value = json!({
        "type": kind.path(),
        "title": kind.title(),
        "status": kind.status().as_u16(),
        "detail": "what is wrong with this request",
    });
    if matches!(kind, ProblemType::InvalidFields | ProblemType::AlreadyTaken) {
        value["errors"] =
            json!([{"field": "email", "code": "stable", "message": "what is accepted instead"}]);
    }
    ExampleBuilder::new().value(Some(value))
}

/// The header that belongs to a kind of refusal.
fn header(kind: ProblemType) -> Option<(&'static str, Header)> {
    let (name, of_type, description) = match kind.status() {
        StatusCode::UNAUTHORIZED => ("WWW-Authenticate", Type::String, "How to show who you are (RFC 6750)."),
        StatusCode::METHOD_NOT_ALLOWED => ("Allow", Type::String, "The methods that there are."),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            ("Retry-After", Type::Integer, "In how many seconds to try again.")
        }
        _ if kind == ProblemType::RequestInProgress => {
            ("Retry-After", Type::Integer, "In how many seconds to try again, for request-in-progress.")
        }
        _ => return None,
    };
    let schema = ObjectBuilder::new().schema_type(of_type).build();
    Some((name, HeaderBuilder::new().description(Some(description)).schema(Some(schema)).build()))
}
