//! What a process counts and measures, in Prometheus' text format.

mod sampled;

use std::convert::Infallible;
use std::fmt;
use std::future::{Future, ready};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use prometheus::core::Collector;
use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, TextEncoder,
};

use self::sampled::Sampled;
use crate::Readiness;

pub use prometheus;

/// The media type of what [`Metrics::scrape`] returns.
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// For what takes milliseconds to seconds.
pub const FAST: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// For what takes a moment when all is well, and hours when something is not.
pub const SLOW: &[f64] = &[
    0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0,
    43_200.0, 86_400.0, 259_200.0,
];

/// The metrics of a process; clones share them.
///
/// Whoever measures something asks for it by its name, once, and keeps what it gets: counting is an atomic addition
/// then. A name that is asked for again, with the same constant labels, replaces what had it.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

/// The connections of a process to a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// Somebody uses them.
    pub used: u32,
    /// They are kept for the next who needs one.
    pub idle: u32,
    /// How many there may be.
    pub most: u32,
}

struct Inner {
    registry: Registry,
    sampled: Mutex<Vec<Arc<Sampled>>>,
    failures: IntCounterVec,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Those of the process itself: its memory, files and processor time, and which build of which program it is.
    pub fn of_program(program: &str, version: &str) -> Self {
        let failures = Opts::new(
            "inf_user_sample_failures_total",
            "How often something could not be found out that is looked up for a scrape.",
        );
        let failures = IntCounterVec::new(failures, &["sample"]).expect("the name and the label are valid");
        let inner =
            Inner { registry: Registry::new(), sampled: Mutex::default(), failures: failures.clone() };
        let metrics = Self(Arc::new(inner));
        metrics.register(failures);
        #[cfg(target_os = "linux")]
        {
            let process = prometheus::process_collector::ProcessCollector::for_self();
            metrics.0.registry.register(Box::new(process)).expect("nothing has these names yet");
        }
        let build = Opts::new("inf_user_build_info", "Which build this is; always 1.");
        let build = build.const_label("program", program).const_label("version", version);
        metrics.gauges_with(build, &[]).with_label_values::<&str>(&[]).set(1.0);
        metrics
    }

    /// A counter; its name ends in `_total`.
    pub fn counter(&self, name: &str, help: &str) -> IntCounter {
        let counter = IntCounter::new(name, help).expect("the name is valid");
        self.register(counter.clone());
        counter
    }

    /// Counters by those labels, whose values must be few.
    pub fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        let counters =
            IntCounterVec::new(Opts::new(name, help), labels).expect("the name and labels are valid");
        self.register(counters.clone());
        counters
    }

    /// Gauges by those labels, whose values must be few; one gauge without any.
    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        self.gauges_with(Opts::new(name, help), labels)
    }

    /// As [`gauges`](Self::gauges), for something that several services of one process have.
    pub fn gauges_of(&self, service: &str, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        self.gauges_with(Opts::new(name, help).const_label("service", service), labels)
    }

    fn gauges_with(&self, options: Opts, labels: &[&str]) -> GaugeVec {
        let gauges = GaugeVec::new(options, labels).expect("the name and labels are valid");
        self.register(gauges.clone());
        gauges
    }

    /// Histograms by those labels, whose values must be few. The buckets are upper bounds in seconds.
    pub fn histograms(&self, name: &str, help: &str, labels: &[&str], buckets: &[f64]) -> HistogramVec {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        let histograms = HistogramVec::new(options, labels).expect("the name, labels and buckets are valid");
        self.register(histograms.clone());
        histograms
    }

    /// Tells which parts of a service are ready.
    pub fn watch_readiness(&self, service: &str, readiness: Readiness) {
        let help = "Whether a part of the service works, 1, or not, 0; /health/ready says why.";
        let gauges = self.gauges_of(service, "inf_user_part_ready", help, &["part"]);
        self.sample(format!("{service} readiness"), Duration::ZERO, gauges.clone(), move || {
            for (part, obstacle) in readiness.parts() {
                gauges.with_label_values(&[part]).set(f64::from(u8::from(obstacle.is_none())));
            }
            ready(Ok::<_, Infallible>(()))
        });
    }

    /// Tells of the connections that a service has to its database.
    pub fn watch_connections(&self, service: &str, look: impl Fn() -> Connections + Send + Sync + 'static) {
        let help =
            "The connections of this process to its database: in use, or kept for the next who needs one.";
        let connections = self.gauges_of(service, "inf_user_database_connections", help, &["state"]);
        let help = "The most connections that this process may have to its database.";
        let most = self.gauges_of(service, "inf_user_database_connections_max", help, &[]);
        let gauges = [connections.clone(), most.clone()];
        self.sample(format!("{service} connections"), Duration::ZERO, gauges, move || {
            let found = look();
            connections.with_label_values(&["used"]).set(f64::from(found.used));
            connections.with_label_values(&["idle"]).set(f64::from(found.idle));
            most.with_label_values::<&str>(&[]).set(f64::from(found.most));
            ready(Ok::<_, Infallible>(()))
        });
    }

    /// Looks something up for a scrape, at most once in `at_most_every`, however often and by however many this process is
    /// scraped. It has two seconds for it. What cannot be found out is not told: its `gauges` vanish.
    ///
    /// Names it `sample` in `inf_user_sample_failures_total`. A sample of the same name is replaced.
    pub fn sample<E, F>(
        &self,
        sample: impl Into<String>,
        at_most_every: Duration,
        gauges: impl Into<sampled::Gauges>,
        look: impl Fn() -> F + Send + Sync + 'static,
    ) where
        E: std::error::Error + Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
    {
        let sample = sample.into();
        let failures = self.0.failures.with_label_values(&[&sample]);
        let mut all = self.0.sampled.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|known| known.name != sample);
        all.push(Arc::new(Sampled::new(sample, at_most_every, gauges.into(), failures, look)));
    }

    /// All of it as text, looked up where it is to be and has not been a moment ago.
    pub async fn scrape(&self) -> String {
        let sampled = self.0.sampled.lock().unwrap_or_else(PoisonError::into_inner).clone();
        join_all(sampled.iter().map(|sampled| sampled.refresh())).await;
        TextEncoder::new().encode_to_string(&self.0.registry.gather()).unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "the metrics could not be written");
            String::new()
        })
    }

    fn register(&self, collector: impl Collector + Clone + 'static) {
        let registry = &self.0.registry;
        if let Err(error) = registry.register(Box::new(collector.clone())) {
            assert!(matches!(error, prometheus::Error::AlreadyReg), "a metric clashes with another: {error}");
            registry.unregister(Box::new(collector.clone())).expect("what is registered can be taken out");
            registry.register(Box::new(collector)).expect("nothing has its name any more");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn metrics() -> Metrics {
        Metrics::of_program("a-program", "1.2.3")
    }

    #[tokio::test]
    async fn a_process_tells_about_itself() {
        let text = metrics().scrape().await;
        assert!(text.contains("inf_user_build_info{program=\"a-program\",version=\"1.2.3\"} 1"), "{text}");
        assert!(text.contains("\nprocess_resident_memory_bytes "), "{text}");
    }

    #[tokio::test]
    async fn what_is_asked_for_again_replaces_what_was_there() {
        let metrics = metrics();
        metrics.counter("things_total", "Things.").inc();
        let second = metrics.counter("things_total", "Things.");
        second.inc_by(5);
        assert!(metrics.scrape().await.contains("\nthings_total 5\n"));
    }

    #[tokio::test]
    async fn two_services_share_a_name() {
        let metrics = metrics();
        for (service, value) in [("one", 1.0), ("two", 2.0)] {
            metrics.gauges_of(service, "size", "A size.", &[]).with_label_values::<&str>(&[]).set(value);
        }
        let text = metrics.scrape().await;
        assert!(
            text.contains("size{service=\"one\"} 1") && text.contains("size{service=\"two\"} 2"),
            "{text}"
        );
        assert_eq!(text.matches("# TYPE size ").count(), 1, "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_sample_is_looked_up_once_in_its_time_and_vanishes_when_it_cannot_be() {
        let (metrics, looks) = (metrics(), Arc::new(AtomicUsize::new(0)));
        let gauges = metrics.gauges("depth", "A depth.", &[]);
        metrics.sample("depth", Duration::from_secs(5), gauges.clone(), {
            let looks = looks.clone();
            move || {
                let (look, gauges) = (looks.fetch_add(1, Ordering::Relaxed), gauges.clone());
                async move {
                    match look {
                        0 => gauges.with_label_values::<&str>(&[]).set(7.0),
                        1 => return Err(std::io::Error::other("away")),
                        _ => std::future::pending().await,
                    }
                    Ok(())
                }
            }
        });
        for (look, seconds, is_told) in [(1, 4, true), (1, 2, true), (2, 6, false), (3, 6, false)] {
            let text = metrics.scrape().await;
            assert_eq!(looks.load(Ordering::Relaxed), look, "{text}");
            assert_eq!(text.contains("\ndepth 7\n"), is_told, "{text}");
            tokio::time::advance(Duration::from_secs(seconds)).await;
        }
        let text = metrics.scrape().await;
        assert!(text.contains("inf_user_sample_failures_total{sample=\"depth\"} 3"), "{text}");
    }

    #[tokio::test]
    async fn readiness_is_told_by_part() {
        let (metrics, readiness) = (metrics(), Readiness::starting(&["database", "broker"]));
        metrics.watch_readiness("a-service", readiness.clone());
        readiness.ready("broker");
        let text = metrics.scrape().await;
        assert!(text.contains("inf_user_part_ready{part=\"broker\",service=\"a-service\"} 1"), "{text}");
        assert!(text.contains("inf_user_part_ready{part=\"database\",service=\"a-service\"} 0"), "{text}");
    }
}
