use super::run::{Run, Span};
use crate::expectation::{Bound, Expectation, TABLE_HEAD};

/// The head of a table of what the contestants have shown.
pub(crate) const HEAD: &str = "| | events | events a second | events a CPU-second | peak memory, MiB | whole, s | whole, CPU-s |\n\
     |---|--:|--:|--:|--:|--:|--:|";

/// What the runs of one contestant have shown, at its best: each figure by itself, so that what else the machine was busy
/// with counts least.
pub(crate) struct Best {
    pub(super) name: String,
    events: u64,
    rate: f64,
    rate_of_cpu: f64,
    /// In MiB.
    peak_memory: f64,
    whole: Span,
}

impl Best {
    pub(crate) fn of(name: &str, runs: &[Run]) -> Self {
        let most = |figure: fn(&Run) -> f64| runs.iter().map(figure).fold(0.0, f64::max);
        let least = |figure: fn(&Run) -> f64| runs.iter().map(figure).fold(f64::INFINITY, f64::min);
        let shortest =
            |time: fn(&Run) -> std::time::Duration| runs.iter().map(time).min().unwrap_or_default();
        Self {
            name: name.to_owned(),
            events: runs.first().map_or(0, |run| run.events),
            rate: most(Run::rate),
            rate_of_cpu: most(Run::rate_of_cpu),
            peak_memory: least(|run| run.peak_memory as f64 / 1024.0),
            whole: Span { elapsed: shortest(|run| run.whole.elapsed), cpu: shortest(|run| run.whole.cpu) },
        }
    }

    /// Events a second.
    pub(crate) fn rate(&self) -> f64 {
        self.rate
    }

    /// A row of [`HEAD`].
    pub(crate) fn to_markdown(&self) -> String {
        let Self { name, events, rate, rate_of_cpu, peak_memory, whole } = self;
        let (elapsed, cpu) = (whole.elapsed.as_secs_f64(), whole.cpu.as_secs_f64());
        format!(
            "| {name} | {events} | {rate:.0} | {rate_of_cpu:.0} | {peak_memory:.0} | {elapsed:.2} | {cpu:.2} |"
        )
    }
}

/// What each contestant was.
pub(super) struct Figures {
    pub(super) relay: Best,
    /// As Kafka's own scripts start it.
    pub(super) debezium: Best,
    pub(super) floor_read: Best,
    pub(super) floor_produce: Best,
    /// What was measured beside it, and is held against nothing.
    pub(super) further: Vec<Best>,
}

impl Figures {
    /// What is expected of the relay.
    pub(super) fn expectations(&self) -> [Expectation; 3] {
        let Self { relay, debezium, floor_read, floor_produce, .. } = self;
        [
            Expectation {
                scenario: "relay: throughput per processor, against Debezium",
                unit: "events a CPU-second",
                ours: relay.rate_of_cpu,
                floor: debezium.rate_of_cpu,
                expected: Bound::AtLeast(5.0),
            },
            Expectation {
                scenario: "relay: throughput, against the slower floor",
                unit: "events a second",
                ours: relay.rate,
                floor: floor_read.rate.min(floor_produce.rate),
                expected: Bound::AtLeast(0.6),
            },
            Expectation {
                scenario: "relay: peak memory, against Debezium",
                unit: "MiB",
                ours: relay.peak_memory,
                floor: debezium.peak_memory,
                expected: Bound::Under(0.1),
            },
        ]
    }

    /// The tables for people.
    pub(super) fn to_markdown(&self) -> String {
        let Self { relay, debezium, floor_read, floor_produce, further } = self;
        let rows = [relay, debezium, floor_read, floor_produce].into_iter().chain(further);
        let rows: Vec<_> = rows.map(Best::to_markdown).collect();
        let expectations: Vec<_> = self.expectations().iter().map(Expectation::to_markdown).collect();
        format!("{HEAD}\n{}\n\n{TABLE_HEAD}\n{}\n", rows.join("\n"), expectations.join("\n"))
    }
}
