use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use tokio::net::TcpListener;
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
