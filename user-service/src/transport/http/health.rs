//! For probes: of the API, and of a process that serves nothing else.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Router, response::IntoResponse};

use super::state::ApiState;
use crate::transport::Readiness;

/// The routes `/health/live` and `/health/ready`, and nothing else.
pub fn health_router(readiness: Readiness) -> Router {
    let ready = move || async move { answer(&readiness) };
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready))
}

/// Is the process alive?
///
/// For probes. Says nothing of the database.
#[utoipa::path(
    get, path = "/health/live", tag = "service", operation_id = "isAlive",
    responses((status = 200, description = "It is.", body = String)),
)]
pub(super) async fn live() -> &'static str {
    "alive\n"
}

/// Can the service do its work?
///
/// For probes. It cannot while the database does not answer, nor, where it publishes changes, while these are stuck.
#[utoipa::path(
    get, path = "/health/ready", tag = "service", operation_id = "isReady",
    responses(
        (status = 200, description = "It can.", body = String),
        (status = 503, description = "It cannot: what stands in its way, a line each.", body = String),
    ),
)]
pub(super) async fn ready(State(state): State<Arc<ApiState>>) -> impl IntoResponse {
    answer(&state.readiness)
}

fn answer(readiness: &Readiness) -> (StatusCode, String) {
    let obstacles = readiness.obstacles();
    if obstacles.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, obstacles.join("\n") + "\n")
    }
}
