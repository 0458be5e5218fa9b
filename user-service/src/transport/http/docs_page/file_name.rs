use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::FILES;
use crate::transport::http::field_schemas;
use crate::transport::http::problem::Problem;

/// The `{file}` of a path.
pub(in crate::transport::http) struct FileName(pub(super) &'static str);

impl<S: Send + Sync> FromRequestParts<S> for FileName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let name = Path::<String>::from_request_parts(parts, state).await;
        let file = FILES.into_iter().find(|file| name.as_ref().is_ok_and(|Path(name)| name == file));
        file.map(Self).ok_or_else(|| Problem::no_such_route(&parts.uri))
    }
}

impl IntoParams for FileName {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![field_schemas::path("file", "A file of the page.", field_schemas::name_among(&FILES))]
    }
}
