use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use shared_kernel::{NewerEvent, UserEvent};
use telemetry::metrics::prometheus::{Histogram, IntCounter};
use telemetry::metrics::{FAST, Metrics};

use crate::repositories::{EventPublisher, PublishError};

/// A publisher, with measures of what it publishes. Counts by the batch.
pub struct MeasuredEventPublisher {
    publisher: Arc<dyn EventPublisher>,
    duration: Histogram,
    published: IntCounter,
    failures: IntCounter,
}

impl MeasuredEventPublisher {
    /// Measures that publisher.
    pub fn new(publisher: Arc<dyn EventPublisher>, metrics: &Metrics) -> Self {
        let duration = metrics.histograms(
            "user_service_publish_duration_seconds",
            "How long the brokers took to confirm a batch of events.",
            &[],
            FAST,
        );
        Self {
            publisher,
            duration: duration.with_label_values::<&str>(&[]),
            published: metrics
                .counter("user_service_events_published_total", "Events that the brokers have confirmed."),
            failures: metrics.counter(
                "user_service_publish_failures_total",
                "Batches of events that the brokers have not confirmed as a whole.",
            ),
        }
    }

    fn count(&self, begun: Instant, events: usize, result: &Result<(), PublishError>) {
        let acknowledged = match result {
            Ok(()) => {
                self.duration.observe(begun.elapsed().as_secs_f64());
                events
            }
            Err(error) => {
                self.failures.inc();
                error.acknowledged
            }
        };
        self.published.inc_by(u64::try_from(acknowledged).unwrap_or(u64::MAX));
    }
}

#[async_trait]
impl EventPublisher for MeasuredEventPublisher {
    async fn publish(&self, events: &[UserEvent]) -> Result<(), PublishError> {
        let begun = Instant::now();
        let result = self.publisher.publish(events).await;
        self.count(begun, events.len(), &result);
        result
    }

    async fn publish_newer(&self, event: &NewerEvent) -> Result<(), PublishError> {
        let begun = Instant::now();
        let result = self.publisher.publish_newer(event).await;
        self.count(begun, 1, &result);
        result
    }
}
