//! What probes and Prometheus ask a process, over HTTP. Not for the public.

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use crate::Readiness;
use crate::metrics::{CONTENT_TYPE, Metrics};

/// The routes `/health/live`, `/health/ready` and `/metrics`, and nothing else.
pub fn router(readiness: Readiness, metrics: Metrics) -> Router {
    Router::new()
        .route("/health/live", get(async || alive()))
        .route("/health/ready", get(async move || ready(&readiness)))
        .route("/metrics", get(async move || scraped(&metrics).await))
}

/// That the process runs, and nothing else.
pub fn alive() -> &'static str {
    "alive\n"
}

/// 200 where every part works, else 503. The JSON names each part and says why it does not work.
pub fn ready(readiness: &Readiness) -> Response {
    let parts = readiness.parts();
    let is_ready = parts.iter().all(|(_part, obstacle)| obstacle.is_none());
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let parts: Vec<Value> = parts
        .into_iter()
        .map(|(part, obstacle)| match obstacle {
            None => json!({ "part": part, "ready": true }),
            Some(reason) => json!({ "part": part, "ready": false, "reason": reason }),
        })
        .collect();
    let body = json!({ "ready": is_ready, "parts": parts });
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response()
}

/// The metrics as Prometheus reads them.
pub async fn scraped(metrics: &Metrics) -> Response {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], metrics.scrape().await).into_response()
}
