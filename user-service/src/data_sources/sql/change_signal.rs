use std::sync::Arc;
use std::time::Duration;

use shared_kernel::UserEvent;
use telemetry::{Moment, SpanKind, Tracer};
use tokio::sync::Notify;

/// Wakes one who waits for what a transaction of this process may have written, as soon as it is committed, so
/// that it does not wait for the next poll. Commits of other processes are found by polling.
#[derive(Debug, Clone, Default)]
pub(in crate::data_sources) struct ChangeSignal(Arc<Notify>);

impl ChangeSignal {
    pub(in crate::data_sources) fn committed(&self) {
        self.0.notify_one();
    }

    /// Waits for a commit, at most so long. A commit since the last wait counts.
    pub(in crate::data_sources) async fn wait(&self, limit: Duration) {
        // Elapsing is as good as a commit: the caller looks either way.
        let _elapsed = tokio::time::timeout(limit, self.0.notified()).await;
    }
}

/// What a transaction has written that somebody may wait for.
#[derive(Debug)]
pub(in crate::data_sources) struct Written {
    signal: ChangeSignal,
    tracer: Tracer,
    began: Moment,
    /// Of the outbox.
    event: Option<WrittenEvent>,
}

/// An event as far as a trace tells of it.
#[derive(Debug)]
struct WrittenEvent {
    traceparent: Option<String>,
    event_type: &'static str,
}

impl Written {
    /// Nothing yet.
    pub(in crate::data_sources) fn new(signal: ChangeSignal, tracer: Tracer) -> Self {
        Self { signal, began: tracer.moment(), tracer, event: None }
    }

    /// The outbox has an event.
    pub(in crate::data_sources) fn appended(&mut self, event: &UserEvent) {
        let (metadata, event_type) = (&event.metadata, event.metadata.event_type.as_str());
        self.event = Some(WrittenEvent { traceparent: metadata.traceparent.clone(), event_type });
    }

    /// Wakes who follows the outbox, if it concerns them.
    pub(in crate::data_sources) fn ended<E>(&self, result: &Result<(), E>) {
        let Some(event) = &self.event else { return };
        let span =
            self.tracer.follow(SpanKind::Client, "commit change", event.traceparent.as_deref(), self.began);
        if let Some(mut span) = span {
            span.set("inf_user.event.type", event.event_type);
            if result.is_err() {
                span.fail("nobody knows whether it was committed");
            }
        }
        if result.is_ok() {
            self.signal.committed();
        }
    }
}
