use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use prost::Message as _;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A collector of spans that keeps them all (OTLP over HTTP, in protobuf).
pub struct Collector {
    address: SocketAddr,
    spans: Spans,
    _running: DropGuard,
}

type Spans = Arc<Mutex<Vec<CollectedSpan>>>;

/// A span that the collector was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct CollectedSpan {
    /// `service.name` of the process.
    pub service: String,
    /// What it is called.
    pub name: String,
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub id: String,
    /// The id of the span that caused it; empty for the first of a trace.
    pub parent: String,
    /// As texts.
    pub attributes: BTreeMap<String, String>,
    /// In which words it is said to have failed.
    pub failure: Option<String>,
    /// When it began and ended, in nanoseconds since the Unix epoch.
    pub times: (u64, u64),
}

impl Collector {
    /// Starts one on a free port; it ends with the value.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (spans, token) = (Spans::default(), CancellationToken::new());
        let router = Router::new().route("/v1/traces", post(collect)).with_state(spans.clone());
        let server = axum::serve(listener, router).with_graceful_shutdown(token.clone().cancelled_owned());
        tokio::spawn(server.into_future());
        Self { address, spans, _running: token.drop_guard() }
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` is set to.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every span so far, in the order in which they came.
    pub fn spans(&self) -> Vec<CollectedSpan> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Those of one trace.
    pub fn trace(&self, trace_id: &str) -> Vec<CollectedSpan> {
        self.spans().into_iter().filter(|span| span.trace_id == trace_id).collect()
    }
}

async fn collect(State(spans): State<Spans>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else { return StatusCode::BAD_REQUEST };
    let mut spans = spans.lock().unwrap_or_else(PoisonError::into_inner);
    for resource in request.resource_spans {
        let about = resource.resource.map(|resource| attributes(resource.attributes)).unwrap_or_default();
        let service = about.get("service.name").cloned().unwrap_or_default();
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            // STATUS_CODE_ERROR of opentelemetry.proto.trace.v1.
            let failure = span.status.filter(|status| status.code == 2).map(|status| status.message);
            spans.push(CollectedSpan {
                service: service.clone(),
                name: span.name,
                trace_id: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                attributes: attributes(span.attributes),
                failure,
                times: (span.start_time_unix_nano, span.end_time_unix_nano),
            });
        }
    }
    StatusCode::OK
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|KeyValue { key, value, .. }| (key, text(value))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
