use std::time::Duration;

use tokio::time::sleep;

use crate::Failure;
use crate::clock::now;
use crate::progress::{Progress, say};
use crate::sampler::{Usage, has_ended};
use crate::topic::Topic;

const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// For so long nothing may come when there is something to come. The Java machine has started by then.
const LONGEST_SILENCE: Duration = Duration::from_secs(120);

/// What one run of one contestant has shown.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// How many events there were.
    pub(crate) events: u64,
    /// From the first event to the last.
    pub(crate) between: Span,
    /// From the start of the process to the last event.
    pub(crate) whole: Span,
    /// In KiB, from the start of the process to the last event.
    pub(crate) peak_memory: u64,
}

/// How long something took, by the clock and in processor time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) elapsed: Duration,
    pub(crate) cpu: Duration,
}

impl Run {
    /// Of a process that was started then, and that has used that.
    pub(crate) fn new(
        events: u64,
        started: Duration,
        (first, last): (Duration, Duration),
        usage: &Usage,
    ) -> Self {
        let (total, before) = (usage.cpu_until(last), usage.cpu_until(first));
        // No more than the broker's stamps and Linux's accounting tell apart.
        let span = |elapsed: Duration, cpu: Duration| Span {
            elapsed: elapsed.max(Duration::from_millis(1)),
            cpu: cpu.max(Duration::from_millis(10)),
        };
        Self {
            events,
            between: span(last.saturating_sub(first), total.saturating_sub(before)),
            whole: span(last.saturating_sub(started), total),
            peak_memory: usage.peak_memory,
        }
    }

    /// Events a second, from the first to the last.
    pub(crate) fn rate(&self) -> f64 {
        self.events as f64 / self.between.elapsed.as_secs_f64()
    }

    /// Events a second of processor time, from the first to the last.
    pub(crate) fn rate_of_cpu(&self) -> f64 {
        self.events as f64 / self.between.cpu.as_secs_f64()
    }
}

/// Waits until so many records are on the topic, which a process writes there.
///
/// Fails when the process ends before, when nothing comes for long, or when there are more.
pub(crate) async fn until_on_topic(
    topic: &Topic,
    wanted: u64,
    process: u32,
    what: &str,
) -> Result<(), Failure> {
    let mut progress = Progress::new(what, wanted);
    let (mut seen, mut moved) = (0, now());
    while seen < wanted {
        let count = topic.count().await?;
        if count > seen {
            (seen, moved) = (count, now());
        } else if has_ended(process) {
            return Err(format!("{what}: the process ended with {seen} of {wanted} published").into());
        } else if now() - moved > LONGEST_SILENCE {
            return Err(format!("{what}: nothing came any more after {seen} of {wanted}").into());
        }
        progress.at(seen);
        sleep(LOOK_INTERVAL).await;
    }
    progress.end();
    Ok(())
}

/// Says how many records are on the topic more than once, which a relay may do that lost its connection or its lock.
pub(crate) async fn say_repeats(topic: &Topic, changes: u64, what: &str) -> Result<(), Failure> {
    let repeats = topic.count().await?.saturating_sub(changes);
    if repeats > 0 {
        say(format!("{what}: {repeats} of them twice"));
    }
    Ok(())
}

/// Fails unless exactly so many records are on the topic, now that nobody writes to it any more.
pub(crate) async fn exactly_on_topic(topic: &Topic, wanted: u64, what: &str) -> Result<(), Failure> {
    match topic.count().await? {
        count if count == wanted => Ok(()),
        count => Err(format!("{what}: {count} records for {wanted} changes").into()),
    }
}
