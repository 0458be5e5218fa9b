use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;
use shared_kernel::UserId;

use super::problem::{FieldProblem, Problem, ProblemType};

const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 100;

/// `?limit=&cursor=` of a list.
pub(super) struct ListQuery {
    pub(super) limit: u32,
    pub(super) after: Option<UserId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    limit: Option<String>,
    cursor: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for ListQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(raw) = Query::<Raw>::from_request_parts(parts, state).await.map_err(|_| {
            Problem::new(ProblemType::InvalidRequest, "the query may have limit and cursor, each once")
        })?;
        let limit = raw.limit.map_or(Some(DEFAULT_LIMIT), |text| {
            text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit))
        });
        let after = raw.cursor.map(|text| text.parse::<UserId>()).transpose();
        match (limit, after) {
            (Some(limit), Ok(after)) => Ok(Self { limit, after }),
            (None, _) => Err(refused("limit", "must be a whole number from 1 to 100")),
            (_, Err(_)) => Err(refused("cursor", "must be the nextCursor of an earlier page")),
        }
    }
}

fn refused(field: &str, message: &str) -> Problem {
    Problem::of_fields(ProblemType::InvalidFields, vec![FieldProblem::new(field, "invalid", message)])
}
