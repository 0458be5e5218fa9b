//! How much one client, or all of them, may ask for at once.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::problem::{Problem, ProblemType};

/// Limits of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// The longest time for one request, its body's arrival included. What it did not commit is undone.
    pub request_timeout: Duration,
    /// The longest time for a request's head to arrive.
    pub header_timeout: Duration,
    /// The most requests under way; a further one is refused at once, so that those under way get done.
    pub max_requests: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(15),
            header_timeout: Duration::from_secs(10),
            max_requests: 512,
        }
    }
}

struct Shared {
    limits: HttpLimits,
    permits: Semaphore,
}

pub(super) fn apply(routes: Router, limits: HttpLimits) -> Router {
    let shared = Arc::new(Shared { limits, permits: Semaphore::new(limits.max_requests) });
    routes.layer(from_fn_with_state(shared, within_limits))
}

async fn within_limits(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    // A busy process is alive: whoever asks that must not be told to kill it. How busy it is, it tells as well.
    let path = request.uri().path();
    if path.starts_with("/health/") || path == "/metrics" {
        return next.run(request).await;
    }
    let Ok(_permit) = shared.permits.try_acquire() else {
        return Problem::new(ProblemType::Unavailable, "too many requests are under way").into_response();
    };
    match tokio::time::timeout(shared.limits.request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_elapsed) => Problem::new(ProblemType::Unavailable, "the request took too long and was given up")
            .into_response(),
    }
}
