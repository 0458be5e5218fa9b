use std::error::Error;
use std::future::Future;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use prometheus::{GaugeVec, IntCounter};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// How long something may take to be looked up. Prometheus waits for ten seconds for the whole scrape.
const LOOK_WITHIN: Duration = Duration::from_secs(2);

type Failure = Box<dyn Error + Send + Sync>;

/// Something that is looked up when somebody asks for it.
pub(super) struct Sampled {
    pub(super) name: String,
    at_most_every: Duration,
    gauges: Gauges,
    failures: IntCounter,
    look: Box<dyn Fn() -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>,
    /// Held while it is looked up, so that others who ask meanwhile wait for the same answer.
    looked: Mutex<Option<Instant>>,
}

/// What a sample sets.
pub struct Gauges(Vec<GaugeVec>);

impl From<GaugeVec> for Gauges {
    fn from(gauges: GaugeVec) -> Self {
        Self(vec![gauges])
    }
}

impl<const N: usize> From<[GaugeVec; N]> for Gauges {
    fn from(gauges: [GaugeVec; N]) -> Self {
        Self(gauges.into())
    }
}

impl Sampled {
    pub(super) fn new<E, F>(
        name: String,
        at_most_every: Duration,
        gauges: Gauges,
        failures: IntCounter,
        look: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        E: Error + Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
    {
        let look = Box::new(move || look().map(|looked| looked.map_err(Failure::from)).boxed());
        Self { name, at_most_every, gauges, failures, look, looked: Mutex::new(None) }
    }

    /// Looks it up, unless that was done a moment ago.
    pub(super) async fn refresh(&self) {
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|looked| looked.elapsed() < self.at_most_every) {
            return;
        }
        let failure = match timeout(LOOK_WITHIN, (self.look)()).await {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure),
            Err(elapsed) => Some(elapsed.into()),
        };
        if let Some(failure) = failure {
            tracing::debug!(
                sample = self.name,
                error = &*failure as &dyn Error,
                "this could not be found out"
            );
            self.gauges.0.iter().for_each(prometheus::core::MetricVec::reset);
            self.failures.inc();
        }
        *looked = Some(Instant::now());
    }
}
