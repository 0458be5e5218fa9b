use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::state::Guarded;
use super::{DeadLetterCommands, Operator, OperatorToken, api, pages};

/// The operator's API under `/api`, the page at `/`, and `/health/live`, which needs no token.
pub fn operator_router(operator: Operator, letters: DeadLetterCommands, token: OperatorToken) -> Router {
    let operator = Arc::new(Guarded { operator, letters, token });
    Router::new()
        .route("/health/live", get(async || "ok\n"))
        .nest("/api", api::router(operator.clone()))
        .merge(pages::router(operator))
        .layer(from_fn(with_security_headers))
        .layer(from_fn(logged))
}

/// Serves until `shutdown`, and ends when what is under way has ended.
///
/// # Errors
///
/// An error of the listener.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

/// One line in the log for each request, without its query.
async fn logged(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let (method, began) = (request.method().clone(), Instant::now());
    let response = next.run(request).await;
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (route, status) = (route.as_deref(), response.status().as_u16());
    if route.is_some_and(|route| route.starts_with("/health/") || route == "/metrics") {
        tracing::debug!(%method, route, status, ms, "answered");
    } else {
        tracing::info!(%method, route, status, ms, "answered");
    }
    response
}

/// Adds to every answer what keeps browsers and caches from doing anything with it but show it. No script runs.
async fn with_security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
