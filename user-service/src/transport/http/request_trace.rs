//! What is told of each request: its span, one line in the log, and the trace id, which is in its other lines and in a
//! refusal too.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use telemetry::{Span, SpanKind, TraceContext, Tracer};
use tokio::task_local;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::request_id::{self, X_REQUEST_ID};

task_local! {
    /// Of the request that this task handles.
    static TRACE: TraceContext;
}

/// The trace context that goes with an event to whoever handles it: that of the request's span, which is a part of the
/// caller's trace where there is one (<https://www.w3.org/TR/trace-context/>).
pub(super) struct Traceparent(pub(super) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Traceparent {
    type Rejection = Infallible;

    async fn from_request_parts(_parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(TRACE.try_with(ToString::to_string).ok()))
    }
}

/// The id of the trace that the request of this task belongs to; none outside of a request.
pub(super) fn trace_id() -> Option<String> {
    TRACE.try_with(TraceContext::trace_id).ok()
}

/// Tells of a request, from before anything else looks at it until its answer is there.
pub(super) async fn follow(State(tracer): State<Tracer>, request: Request, next: Next) -> Response {
    // Nobody wants to see these by the second.
    let path = request.uri().path();
    let is_probe = path.starts_with("/health/") || path == "/metrics";
    let tracer = if is_probe { Tracer::silent() } else { tracer };
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let (method, id) = (request.method().clone(), request_id::of(&request));
    let mut span = begin(&tracer, &request, &method, route.as_deref());
    let context = span.context();
    let log = tracing::info_span!(
        "request",
        id = id.as_ref().and_then(|id| id.to_str().ok()),
        traceId = context.trace_id(),
        %method,
        path = request.uri().path()
    );
    let began = Instant::now();
    let mut response = TRACE.scope(context, next.run(request)).instrument(log.clone()).await;
    if let Some(id) = id {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    let status = response.status();
    end(&mut span, status);
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let _entered = log.entered();
    let status = status.as_u16();
    if is_probe {
        tracing::debug!(route, status, ms, "answered");
    } else {
        tracing::info!(route, status, ms, "answered");
    }
    response
}

fn begin(tracer: &Tracer, request: &Request, method: &Method, route: Option<&str>) -> Span {
    let header = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    // What a stranger makes up as a method is no name for a span.
    let known = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::HEAD,
        Method::OPTIONS,
    ];
    let method = if known.contains(method) { method.as_str() } else { "_OTHER" };
    let name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
    let mut span = tracer.begin(SpanKind::Server, name, header.and_then(|text| text.parse().ok()));
    span.set("http.request.method", method.to_owned());
    if let Some(route) = route {
        span.set("http.route", route.to_owned());
    }
    span
}

fn end(span: &mut Span, status: StatusCode) {
    span.set("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.fail(status.canonical_reason().unwrap_or_default());
    }
}
