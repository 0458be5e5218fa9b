//! The REST API: JSON in, JSON out, and every refusal an `application/problem+json` (RFC 9457).

mod acceptable;
mod address_handlers;
mod address_rate;
mod address_response;
mod answer;
mod authentication;
mod body;
mod client_address;
mod conditional;
mod cors;
mod credential_requests;
mod docs_page;
mod field_rules;
mod field_schemas;
mod health;
mod idempotency;
mod limits;
mod list_query;
mod measured;
mod openapi;
mod pages;
mod password_handlers;
mod problem;
mod problem_name;
mod problem_pages;
mod problem_type;
mod rate_limits;
mod refusals;
mod request_fields;
mod request_id;
mod request_trace;
mod routes;
mod security_headers;
mod server;
mod session_handlers;
mod session_response;
mod settings;
mod state;
mod user_handlers;
mod user_id_path;
mod user_requests;
mod user_response;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use shared_kernel::SigningKeys;
use telemetry::metrics::Metrics;
use telemetry::{Readiness, Tracer};

/// The most bytes that a request's body may have.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

pub use client_address::{BadProxies, TrustedProxies};
pub use cors::{BadOrigins, CorsOrigins};
pub use health::health_router;
pub use limits::HttpLimits;
pub use openapi::openapi_document;
pub use rate_limits::RateSettings;
pub use server::serve;
pub use settings::HttpSettings;
pub use state::UseCases;

/// The routes of the API, within limits. What is counted is counted for this router and its clones. The keys are for
/// the fingerprints of idempotent requests, which every process of the service must make alike. Requests are measured
/// in `metrics`; whether these are told at `/metrics` is a setting.
pub fn router(
    use_cases: UseCases,
    settings: HttpSettings,
    keys: SigningKeys,
    readiness: Readiness,
    tracer: Tracer,
    metrics: &Metrics,
) -> Router {
    let HttpSettings { limits, rates, trusted_proxies, cors_origins, tells_metrics } = settings;
    let rate_limits = rate_limits::RateLimits::new(rates);
    let told = tells_metrics.then(|| metrics.clone());
    let state = state::ApiState { use_cases, rate_limits, trusted_proxies, keys, readiness, metrics: told };
    let (routes, _) = routes::all().split_for_parts();
    let routes = routes
        .fallback(problem::no_such_route)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(Arc::new(state));
    // From the innermost to the outermost: what is refused here has its id and headers too.
    measured::apply(cors::apply(limits::apply(routes, limits), cors_origins), metrics)
        .layer(from_fn(security_headers::add))
        .layer(from_fn_with_state(tracer, request_trace::follow))
}
