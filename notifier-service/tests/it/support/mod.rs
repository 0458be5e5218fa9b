pub(crate) mod browser;
pub(crate) mod databases;
pub(crate) mod events;
pub(crate) mod fakes;
pub(crate) mod in_memory_ledger;
pub(crate) mod kafka;
pub(crate) mod mails;
pub(crate) mod silent_proxy;
pub(crate) mod smtp_server;
pub(crate) mod strict_smtp_server;

use std::time::{Duration, Instant};

use notifier_service::config::Metrics;
use notifier_service::transport::Counters;

/// Longer than anything takes on a busy machine, so that a failure is one.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Counters that nobody looks at.
pub(crate) fn counters() -> Counters {
    Counters::new(&Metrics::of_program("a-test", "0"))
}

/// Tries until there is something, or fails at the deadline.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut attempt: impl FnMut() -> F,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = attempt().await {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
