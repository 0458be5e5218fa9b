use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::field_schemas;
use super::problem::{Problem, ProblemType};

/// The `{name}` of a path.
pub(super) struct ProblemName(pub(super) ProblemType);

impl<S: Send + Sync> FromRequestParts<S> for ProblemName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let name = Path::<String>::from_request_parts(parts, state).await;
        let kind = name.ok().and_then(|Path(name)| ProblemType::named(&name));
        kind.map(Self).ok_or_else(|| Problem::no_such_route(&parts.uri))
    }
}

impl IntoParams for ProblemName {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let names: Vec<_> = ProblemType::ALL.iter().map(|kind| kind.name()).collect();
        vec![field_schemas::path("name", "As in a problem's type.", field_schemas::name_among(&names))]
    }
}
