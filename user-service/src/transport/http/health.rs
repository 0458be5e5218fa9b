//! For probes and Prometheus: of the API, and of a process that serves nothing else.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use telemetry::metrics::Metrics;
use telemetry::{Readiness, probes};

use super::problem::Problem;
use super::state::ApiState;

/// The routes `/health/live`, `/health/ready` and `/metrics`, and nothing else.
pub fn health_router(readiness: Readiness, metrics: Metrics) -> Router {
    probes::router(readiness, metrics)
}

/// Is the process alive?
///
/// For probes. Says nothing of the database.
#[utoipa::path(
    get, path = "/health/live", tag = "service", operation_id = "isAlive",
    responses((status = 200, description = "It is.", body = String)),
)]
pub(super) async fn live() -> &'static str {
    probes::alive()
}

/// Can the service do its work?
///
/// For probes. It cannot while the database does not answer, nor, where it publishes changes, while the broker does not or
/// these are stuck.
#[utoipa::path(
    get, path = "/health/ready", tag = "service", operation_id = "isReady",
    responses(
        (status = 200, description = "It can.", body = serde_json::Value),
        (status = 503, description = "It cannot: each part, and why it does not work.", body = serde_json::Value),
    ),
)]
pub(super) async fn ready(State(state): State<Arc<ApiState>>) -> impl IntoResponse {
    probes::ready(&state.readiness)
}

/// What the process measures
///
/// For Prometheus, in its text format. Not for the public: keep it off the proxy, or serve it at an address of its own.
#[utoipa::path(
    get, path = "/metrics", tag = "service", operation_id = "getMetrics",
    responses((status = 200, description = "The metrics.", body = String)),
)]
pub(super) async fn metrics(State(state): State<Arc<ApiState>>, uri: Uri) -> Response {
    match &state.metrics {
        Some(metrics) => probes::scraped(metrics).await,
        None => Problem::no_such_route(&uri).into_response(),
    }
}
