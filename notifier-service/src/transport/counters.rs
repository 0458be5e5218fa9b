use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use telemetry::metrics::prometheus::{HistogramVec, IntCounter, IntCounterVec};
use telemetry::metrics::{Metrics, SLOW};

use super::{ConsumeError, ConsumerMonitor};
use crate::entities::{Answer, DialogueStage};
use crate::interactors::{DeliverNotifications, Delivery, Ending, RecordOutcome};

/// How often the lag is looked at most.
const LAG_INTERVAL: Duration = Duration::from_secs(2);

/// Counts what the use cases tell. Clones share it.
#[derive(Debug, Clone)]
pub struct Counters {
    attempts: IntCounterVec,
    acceptance: HistogramVec,
    recorded: IntCounter,
    dead_letters: IntCounter,
}

impl Counters {
    /// Counts from zero.
    pub fn new(metrics: &Metrics) -> Self {
        let counters = Self {
            attempts: metrics.counters(
                "notifier_delivery_attempts_total",
                "Attempts to deliver a mail, by how they ended and how far the dialogue with the mail server got.",
                &["outcome", "stage"],
            ),
            acceptance: metrics.histograms(
                "notifier_commit_to_acceptance_seconds",
                "From the change that a mail tells of to the mail server's acceptance of the mail.",
                &[],
                SLOW,
            ),
            recorded: metrics
                .counter("notifier_mails_recorded_total", "Mails that the ledger had not known before."),
            dead_letters: metrics.counter(
                "notifier_dead_letters_total",
                "Records that went to the dead-letter topic, since they cannot be read or recorded.",
            ),
        };
        // What has not happened yet is told as well, or the first time could not be seen.
        counters.acceptance.with_label_values::<&str>(&[]);
        counters.attempts.with_label_values(&["sent", DialogueStage::Message.as_str()]);
        counters
    }

    pub(super) fn recorded(&self, outcome: &RecordOutcome) {
        self.recorded.inc_by(outcome.new);
        self.dead_letters.inc_by(u64::try_from(outcome.set_aside.len()).unwrap_or(u64::MAX));
    }

    pub(super) fn delivered(&self, delivery: &Delivery) {
        let (outcome, answer) = match &delivery.ending {
            Ending::Sent(answer) => ("sent", Some(answer)),
            Ending::PutOff { answer, .. } => ("put-off", Some(answer)),
            Ending::Dead(answer) => ("dead", Some(answer)),
            Ending::ServerUnavailable(answer) => ("server-unavailable", Some(answer)),
            Ending::Released => ("released", None),
            Ending::LeaseLost => ("lease-lost", None),
        };
        let stage = answer.and_then(|Answer { stage, .. }| *stage).map_or("none", DialogueStage::as_str);
        self.attempts.with_label_values(&[outcome, stage]).inc();
        if let (Ending::Sent(_), Some(since_event)) = (&delivery.ending, delivery.since_event) {
            self.acceptance.with_label_values::<&str>(&[]).observe(since_event.as_secs_f64());
        }
    }
}

/// Tells whether mail is sent, or waits for a mail server.
pub fn watch_mail_server(metrics: &Metrics, deliver: Arc<DeliverNotifications>) {
    let available = metrics.gauges(
        "notifier_mail_server_available",
        "Whether mail is sent, 1, or waits since no mail server is to be had, 0: the breaker is open.",
        &[],
    );
    metrics.sample("mail server", Duration::ZERO, available.clone(), move || {
        let is_available = deliver.outage().is_none();
        available.with_label_values::<&str>(&[]).set(f64::from(u8::from(is_available)));
        ready(Ok::<_, Infallible>(()))
    });
}

/// Tells how much of the topic is not committed.
pub fn watch_lag(metrics: &Metrics, monitor: Arc<dyn ConsumerMonitor>) {
    let lag = metrics.gauges(
        "notifier_consumer_lag_records",
        "Records of the topic that are not committed, of the partitions that this process reads.",
        &["partition"],
    );
    metrics.sample("consumer lag", LAG_INTERVAL, lag.clone(), move || {
        let (monitor, lag) = (monitor.clone(), lag.clone());
        async move {
            let found = monitor.lag().await?;
            // Another member may read some of them by now.
            lag.reset();
            for partition in found {
                let records = f64::from(u32::try_from(partition.records).unwrap_or(u32::MAX));
                lag.with_label_values(&[partition.partition.to_string()]).set(records);
            }
            Ok::<_, ConsumeError>(())
        }
    });
}
