//! How long requests take, by route.

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use telemetry::metrics::prometheus::HistogramVec;
use telemetry::metrics::{FAST, Metrics};

/// Anybody may ask for any path by any method: only those that there are have a label of their own.
const OTHER: &str = "_OTHER";

pub(super) fn apply(routes: Router, metrics: &Metrics) -> Router {
    let durations = metrics.histograms(
        "http_server_request_duration_seconds",
        "From a request's head to its answer.",
        &["method", "route", "status"],
        FAST,
    );
    routes.layer(from_fn_with_state(durations, measure))
}

async fn measure(State(durations): State<HistogramVec>, request: Request, next: Next) -> Response {
    let (begun, method) = (Instant::now(), known(request.method()));
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or(OTHER, MatchedPath::as_str);
    durations
        .with_label_values(&[method, route, response.status().as_str()])
        .observe(begun.elapsed().as_secs_f64());
    response
}

fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => OTHER,
    }
}
