use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use shared_kernel::UserId;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::field_schemas;
use super::problem::{FieldProblem, Problem, ProblemType};

/// The `{id}` of a path.
pub(super) struct UserIdPath(pub(super) UserId);

impl<S: Send + Sync> FromRequestParts<S> for UserIdPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        text.ok().and_then(|Path(text)| parse_user_id(&text)).map(Self).ok_or_else(|| {
            let error = FieldProblem::new(
                "id",
                "invalid_id",
                "must be a UUID such as 01900000-0000-7000-8000-000000000000",
            );
            Problem::of_fields(ProblemType::InvalidFields, vec![error])
        })
    }
}

impl IntoParams for UserIdPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![field_schemas::path("id", "Whose account.", field_schemas::user_id())]
    }
}

/// `Uuid` also reads braces, URNs and no hyphens; one user shall have one name.
pub(super) fn parse_user_id(text: &str) -> Option<UserId> {
    (text.len() == 36).then(|| text.parse().ok()).flatten()
}
