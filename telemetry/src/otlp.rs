//! Spans as OpenTelemetry's SDK makes and exports them.

mod allowance;
mod client;
mod exporter;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
pub(crate) use opentelemetry_sdk::trace::Sampler;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use self::allowance::Allowance;
use self::client::BlockingClient;
use self::exporter::SayingOnce;
use crate::{SpanKind, SpanValue, TraceContext};

/// The longest time for one request to the collector.
pub(crate) const EXPORT_LIMIT: Duration = Duration::from_secs(5);

/// Makes spans that go to a collector.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    tracer: SdkTracer,
    /// Whether the sampler leaves it to whoever began a trace.
    follows_parent: bool,
    allowance: Arc<Allowance>,
}

/// A span that is recorded.
#[derive(Debug)]
pub(crate) struct Recording(opentelemetry_sdk::trace::Span);

/// Where spans go, and as whose.
pub(crate) struct Collector {
    /// The whole URL.
    pub(crate) endpoint: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) service_name: String,
    pub(crate) sampler: Sampler,
}

impl Collector {
    /// Starts the exporter, which connects when there is something to export.
    pub(crate) fn start(self) -> Result<(SdkTracerProvider, Recorder), ExporterBuildError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(BlockingClient::new(EXPORT_LIMIT))
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(EXPORT_LIMIT)
            .with_headers(self.headers.into_iter().collect())
            .with_endpoint(self.endpoint)
            .build()?;
        let follows_parent = matches!(self.sampler, Sampler::ParentBased(_));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(SayingOnce::new(exporter))
            .with_sampler(self.sampler)
            .with_resource(Resource::builder().with_service_name(self.service_name).build())
            .build();
        let tracer = provider.tracer("inf-user");
        Ok((provider, Recorder { tracer, follows_parent, allowance: Arc::default() }))
    }
}

impl Recorder {
    /// The second part is none where the sampler leaves it out.
    pub(crate) fn begin(
        &self,
        kind: SpanKind,
        name: Cow<'static, str>,
        parent: Option<TraceContext>,
        began: SystemTime,
    ) -> (TraceContext, Option<Recording>) {
        let parent = parent.map_or_else(Context::new, |parent| {
            Context::new().with_remote_span_context(SpanContext::new(
                TraceId::from(parent.trace_id),
                SpanId::from(parent.span_id),
                TraceFlags::default().with_sampled(parent.is_sampled),
                true,
                TraceState::NONE,
            ))
        });
        let span = self
            .tracer
            .span_builder(name)
            .with_kind(kind.into())
            .with_start_time(began)
            .start_with_context(&self.tracer, &parent);
        let made = span.span_context();
        let context = TraceContext {
            trace_id: u128::from_be_bytes(made.trace_id().to_bytes()),
            span_id: u64::from_be_bytes(made.span_id().to_bytes()),
            is_sampled: made.is_sampled(),
        };
        (context, span.is_recording().then_some(Recording(span)))
    }

    pub(crate) fn follow(
        &self,
        kind: SpanKind,
        name: Cow<'static, str>,
        parent: TraceContext,
        began: SystemTime,
    ) -> Option<(TraceContext, Recording)> {
        if (self.follows_parent && !parent.is_sampled) || !self.allowance.take(began) {
            return None;
        }
        let (context, recording) = self.begin(kind, name, Some(parent), began);
        Some((context, recording?))
    }
}

impl Recording {
    pub(crate) fn set(&mut self, key: &'static str, value: SpanValue) {
        let value = match value {
            SpanValue::Text(text) => Value::from(text),
            SpanValue::Number(number) => Value::from(number),
        };
        self.0.set_attribute(KeyValue::new(key, value));
    }

    pub(crate) fn rename(&mut self, name: Cow<'static, str>) {
        self.0.update_name(name);
    }

    pub(crate) fn fail(&mut self, words: Cow<'static, str>) {
        self.0.set_status(Status::error(words));
    }
}

impl From<SpanKind> for opentelemetry::trace::SpanKind {
    fn from(kind: SpanKind) -> Self {
        match kind {
            SpanKind::Server => Self::Server,
            SpanKind::Client => Self::Client,
            SpanKind::Producer => Self::Producer,
            SpanKind::Consumer => Self::Consumer,
        }
    }
}
