//! The pages that a problem's `type` leads to: the same files as in `docs/problems/`.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};

use super::problem::{self, ProblemType};

fn text(kind: ProblemType) -> &'static str {
    match kind {
        ProblemType::InvalidRequest => include_str!("../../../../docs/problems/invalid-request.md"),
        ProblemType::BodyTooLarge => include_str!("../../../../docs/problems/body-too-large.md"),
        ProblemType::UnsupportedMediaType => {
            include_str!("../../../../docs/problems/unsupported-media-type.md")
        }
        ProblemType::NotAcceptable => include_str!("../../../../docs/problems/not-acceptable.md"),
        ProblemType::InvalidFields => include_str!("../../../../docs/problems/invalid-fields.md"),
        ProblemType::AlreadyTaken => include_str!("../../../../docs/problems/already-taken.md"),
        ProblemType::NoSuchUser => include_str!("../../../../docs/problems/no-such-user.md"),
        ProblemType::NoSuchRoute => include_str!("../../../../docs/problems/no-such-route.md"),
        ProblemType::MethodNotAllowed => include_str!("../../../../docs/problems/method-not-allowed.md"),
        ProblemType::StaleVersion => include_str!("../../../../docs/problems/stale-version.md"),
        ProblemType::Unavailable => include_str!("../../../../docs/problems/unavailable.md"),
        ProblemType::Internal => include_str!("../../../../docs/problems/internal.md"),
    }
}

pub(super) async fn page(name: Result<Path<String>, PathRejection>, uri: Uri) -> Response {
    let named = |kind: &ProblemType| name.as_ref().is_ok_and(|Path(name)| kind.name() == name);
    match ProblemType::ALL.into_iter().find(named) {
        Some(kind) => ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text(kind)).into_response(),
        None => problem::no_such_route(uri).await.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_type_has_its_own_page() {
        for kind in ProblemType::ALL {
            assert!(text(kind).starts_with(&format!("# {}\n", kind.name())), "{}", kind.name());
        }
    }
}
