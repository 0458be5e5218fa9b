use std::sync::Arc;
use std::time::Duration;

use telemetry::metrics::Metrics;

use super::measured_change_feed::age;
use crate::repositories::{Clock, MOST_COUNTED, OutboxBacklog};

/// How often it is looked at most.
const INTERVAL: Duration = Duration::from_secs(5);

/// Tells what waits in the outbox.
pub fn watch_outbox(metrics: &Metrics, outbox: Arc<dyn OutboxBacklog>, clock: Arc<dyn Clock>) {
    let count = metrics.gauges(
        "user_service_outbox_changes",
        &format!(
            "Changes in the outbox, which are committed and not published; counted up to {MOST_COUNTED}."
        ),
        &[],
    );
    let oldest = metrics.gauges(
        "user_service_outbox_oldest_age_seconds",
        "The age of the oldest change in the outbox; 0 without one.",
        &[],
    );
    metrics.sample("outbox", INTERVAL, [count.clone(), oldest.clone()], move || {
        let (outbox, clock, count, oldest) = (outbox.clone(), clock.clone(), count.clone(), oldest.clone());
        async move {
            let (waiting, none): (_, &[&str]) = (outbox.waiting().await?, &[]);
            count.with_label_values(none).set(as_gauge(waiting.count));
            oldest.with_label_values(none).set(waiting.since.map_or(0.0, |since| age(&*clock, since)));
            Ok::<_, crate::repositories::ChangeFeedError>(())
        }
    });
}

/// Tells how many changes were set aside. Only for a relay, which has the right to look there.
pub fn watch_dead_outbox(metrics: &Metrics, outbox: Arc<dyn OutboxBacklog>) {
    let dead = metrics.gauges(
        "user_service_dead_changes",
        "Changes that were set aside in deadOutbox, since they can never be published.",
        &[],
    );
    metrics.sample("deadOutbox", INTERVAL, dead.clone(), move || {
        let (outbox, dead) = (outbox.clone(), dead.clone());
        async move {
            dead.with_label_values::<&str>(&[]).set(as_gauge(outbox.count_dead().await?));
            Ok::<_, crate::repositories::ChangeFeedError>(())
        }
    });
}

fn as_gauge(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
