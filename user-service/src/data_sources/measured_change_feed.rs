use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use telemetry::metrics::prometheus::{Histogram, IntCounter};
use telemetry::metrics::{Metrics, SLOW};

use crate::repositories::{CapturedChange, ChangeFeed, ChangeFeedError, Clock, Content};

/// A feed, with measures of how far behind it is. Counts by the batch, never by the change.
pub struct MeasuredChangeFeed {
    feed: Arc<dyn ChangeFeed>,
    clock: Arc<dyn Clock>,
    in_hand: Arc<InHand>,
    delay: Histogram,
    buried: IntCounter,
}

/// What was returned and is not acknowledged, in the order of reading: how many changes, and when the first of them was
/// made.
#[derive(Default)]
struct InHand(Mutex<VecDeque<(usize, DateTime<Utc>)>>);

impl InHand {
    fn batches(&self) -> MutexGuard<'_, VecDeque<(usize, DateTime<Utc>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many, and since when.
    fn lag(&self) -> (usize, Option<DateTime<Utc>>) {
        let batches = self.batches();
        (batches.iter().map(|(count, _)| count).sum(), batches.front().map(|(_, since)| *since))
    }

    /// So many more are acknowledged. When the first changes of the batches were made that are done by that.
    fn acknowledge(&self, mut count: usize) -> Vec<DateTime<Utc>> {
        let (mut batches, mut done) = (self.batches(), Vec::new());
        while count > 0
            && let Some((left, since)) = batches.front_mut()
        {
            if *left > count {
                *left -= count;
                break;
            }
            count -= *left;
            done.push(*since);
            batches.pop_front();
        }
        done
    }
}

impl MeasuredChangeFeed {
    /// Measures that feed.
    pub fn new(feed: Arc<dyn ChangeFeed>, clock: Arc<dyn Clock>, metrics: &Metrics) -> Self {
        let in_hand = Arc::new(InHand::default());
        let delay = metrics.histograms(
            "user_service_relay_delay_seconds",
            "From a change to the brokers' confirmation, of the first change of each batch.",
            &[],
            SLOW,
        );
        let buried = metrics.counter(
            "user_service_changes_buried_total",
            "Changes that were set aside, since they can never be published.",
        );
        let active = metrics.gauges(
            "user_service_relay_active",
            "Whether this relay is the one that publishes, 1, or waits to take over, 0.",
            &[],
        );
        let seconds = metrics.gauges(
            "user_service_relay_lag_seconds",
            "The age of the oldest change that this relay has read and the brokers have not confirmed; 0 without one.",
            &[],
        );
        let events = metrics.gauges(
            "user_service_relay_lag_events",
            "The changes that this relay has read and the brokers have not confirmed.",
            &[],
        );
        let (of, now, known) = (feed.clone(), clock.clone(), in_hand.clone());
        metrics.sample(
            "relay",
            Duration::ZERO,
            [active.clone(), seconds.clone(), events.clone()],
            move || {
                let none: &[&str] = &[];
                let (count, since) = known.lag();
                active.with_label_values(none).set(f64::from(u8::from(of.is_active())));
                events.with_label_values(none).set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
                seconds.with_label_values(none).set(since.map_or(0.0, |since| age(&*now, since)));
                ready(Ok::<_, Infallible>(()))
            },
        );
        let delay = delay.with_label_values::<&str>(&[]);
        Self { feed, clock, in_hand, delay, buried }
    }
}

/// In seconds; zero for what another machine's clock says is still to come.
pub(super) fn age(clock: &dyn Clock, since: DateTime<Utc>) -> f64 {
    (clock.now() - since).to_std().unwrap_or_default().as_secs_f64()
}

#[async_trait]
impl ChangeFeed for MeasuredChangeFeed {
    async fn next(&self, max: usize, wait: Duration) -> Result<Vec<CapturedChange>, ChangeFeedError> {
        let next = self.feed.next(max, wait).await;
        match &next {
            Ok(changes) => {
                let mut readable = changes.iter().filter_map(|change| match &change.content {
                    Content::Event(event) => Some(event.metadata.time),
                    Content::Newer(event) => Some(event.time),
                    Content::Unreadable(_) => None,
                });
                if let Some(first) = readable.next() {
                    self.in_hand.batches().push_back((1 + readable.count(), first));
                }
            }
            Err(_rewound) => self.in_hand.batches().clear(),
        }
        next
    }

    async fn acknowledge(&self, positions: &[i64]) -> Result<(), ChangeFeedError> {
        self.feed.acknowledge(positions).await?;
        for since in self.in_hand.acknowledge(positions.len()) {
            self.delay.observe(age(&*self.clock, since));
        }
        Ok(())
    }

    async fn bury(&self, position: i64, reason: &str) -> Result<(), ChangeFeedError> {
        self.feed.bury(position, reason).await?;
        self.buried.inc();
        Ok(())
    }

    fn rewind(&self) {
        self.in_hand.batches().clear();
        self.feed.rewind();
    }

    fn is_active(&self) -> bool {
        self.feed.is_active()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_done_in_the_order_of_reading() {
        let at = |second| DateTime::<Utc>::from_timestamp(second, 0).unwrap();
        let in_hand = InHand::default();
        in_hand.batches().extend([(3, at(1)), (2, at(2)), (4, at(3))]);
        assert_eq!(in_hand.lag(), (9, Some(at(1))));
        assert!(in_hand.acknowledge(2).is_empty());
        assert_eq!(in_hand.lag(), (7, Some(at(1))));
        assert_eq!(in_hand.acknowledge(4), [at(1), at(2)]);
        assert_eq!(in_hand.lag(), (3, Some(at(3))));
        // More than is known, after a rewind for example.
        assert_eq!(in_hand.acknowledge(9), [at(3)]);
        assert_eq!(in_hand.lag(), (0, None));
    }
}
