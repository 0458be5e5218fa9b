//! The pages that a problem's `type` leads to: the same files as in `docs/problems/`.

use axum::http::header;
use axum::response::IntoResponse;

use super::problem_name::ProblemName;

/// Read about a kind of refusal
///
/// What a problem's type leads to.
#[utoipa::path(
    get, path = "/problems/{name}", tag = "service", operation_id = "getProblemPage",
    params(ProblemName),
    responses((status = 200, description = "The page.", body = String, content_type = "text/markdown")),
)]
pub(super) async fn page(ProblemName(kind): ProblemName) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], kind.page())
}
