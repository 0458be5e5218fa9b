use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

/// Says once that the collector cannot be had, and once that it is back and what is missing.
#[derive(Debug)]
pub(super) struct SayingOnce<E> {
    exporter: E,
    is_away: AtomicBool,
    /// Spans that it did not get since it was last there.
    lost: AtomicU64,
}

impl<E> SayingOnce<E> {
    pub(super) fn new(exporter: E) -> Self {
        Self { exporter, is_away: AtomicBool::new(false), lost: AtomicU64::new(0) }
    }
}

impl<E: SpanExporter> SpanExporter for SayingOnce<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let result = self.exporter.export(batch).await;
        match &result {
            Ok(()) => {
                if self.is_away.swap(false, Ordering::Relaxed) {
                    let lost = self.lost.swap(0, Ordering::Relaxed);
                    tracing::info!(lost, "spans are exported again");
                }
            }
            Err(error) => {
                self.lost.fetch_add(spans, Ordering::Relaxed);
                if !self.is_away.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        error = error as &dyn Error,
                        "spans cannot be exported; all else goes on without them"
                    );
                }
            }
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Poll, Waker};

    use opentelemetry_sdk::error::OTelSdkError;
    use tracing::field::{Field, Visit};
    use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt as _};

    use super::*;

    #[derive(Debug, Default)]
    struct Collector {
        is_there: AtomicBool,
    }

    impl SpanExporter for Collector {
        async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
            match self.is_there.load(Ordering::Relaxed) {
                true => Ok(()),
                false => Err(OTelSdkError::InternalFailure("refused".into())),
            }
        }
    }

    /// Keeps what is logged.
    #[derive(Clone, Default)]
    struct Said(Arc<Mutex<Vec<String>>>);

    impl<S: tracing::Subscriber> Layer<S> for Said {
        fn on_event(&self, event: &tracing::Event<'_>, _context: LayerContext<'_, S>) {
            event.record(&mut self.clone());
        }
    }

    impl Visit for Said {
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            if field.name() == "message" {
                self.0.lock().unwrap().push(format!("{value:?}"));
            }
        }
    }

    fn export(exporter: &SayingOnce<Collector>) {
        let exported = std::pin::pin!(exporter.export(Vec::new()));
        assert!(matches!(exported.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(_)));
    }

    #[test]
    fn a_collector_that_is_away_is_told_of_once_and_so_is_one_that_is_back() {
        let said = Said::default();
        let log = tracing_subscriber::registry().with(said.clone());
        tracing::subscriber::with_default(log, || {
            let exporter = SayingOnce::new(Collector::default());
            for is_there in [false, false, false, true, true, false, false] {
                exporter.exporter.is_there.store(is_there, Ordering::Relaxed);
                export(&exporter);
            }
        });
        let said = said.0.lock().unwrap();
        let away = "spans cannot be exported; all else goes on without them";
        assert_eq!(*said, [away, "spans are exported again", away]);
    }
}
