use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use reqwest::Client;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::Failure;
use crate::progress::say;

/// How often metrics are read; Prometheus reads them less often.
const SCRAPE_INTERVAL: Duration = Duration::from_secs(1);

/// Whether a process is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telemetry {
    Off,
    On,
}

impl Telemetry {
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::Off => "without telemetry",
            Self::On => "with telemetry",
        }
    }
}

/// A collector that takes everything and keeps nothing, so that it costs the machine little.
pub(super) struct StandIns {
    collector: SocketAddr,
    received: Arc<AtomicUsize>,
    server: AbortHandle,
}

/// One process that is watched, or not.
pub(super) struct Watched<'a> {
    stand_ins: &'a StandIns,
    variables: Vec<(&'static str, String)>,
    scraping: Option<(AbortHandle, Arc<AtomicUsize>)>,
}

impl StandIns {
    pub(super) async fn start() -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (collector, received) = (listener.local_addr()?, Arc::new(AtomicUsize::new(0)));
        let take = async |State(received): State<Arc<AtomicUsize>>, body: Bytes| {
            received.fetch_add(body.len(), Ordering::Relaxed);
        };
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&received));
        let server = tokio::spawn(axum::serve(listener, router).into_future()).abort_handle();
        Ok(Self { collector, received, server })
    }

    /// What the next process is to be told, which is read from now on.
    pub(super) async fn tell(&self, telemetry: Telemetry) -> Result<Watched<'_>, Failure> {
        self.received.store(0, Ordering::Relaxed);
        if telemetry == Telemetry::Off {
            return Ok(Watched { stand_ins: self, variables: Vec::new(), scraping: None });
        }
        // Free a moment later, when the process listens there.
        let metrics = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        let scraped = Arc::new(AtomicUsize::new(0));
        let scraping = tokio::spawn(scrape(metrics, Arc::clone(&scraped))).abort_handle();
        let variables = vec![
            ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", self.collector)),
            ("USER_SERVICE_HEALTH_LISTEN", metrics.to_string()),
        ];
        Ok(Watched { stand_ins: self, variables, scraping: Some((scraping, scraped)) })
    }
}

impl Drop for StandIns {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Watched<'_> {
    pub(super) fn variables(&self) -> &[(&'static str, String)] {
        &self.variables
    }

    /// The process has ended. Fails where it was to tell something and did not, or the other way round: nothing was
    /// compared then.
    pub(super) fn end(self, process: &str) -> Result<(), Failure> {
        let bytes = self.stand_ins.received.load(Ordering::Relaxed);
        match &self.scraping {
            None if bytes > 0 => Err(format!("{process}: it exported spans without being told to").into()),
            None => Ok(()),
            Some(_) if bytes == 0 => Err(format!("{process}: it exported no spans").into()),
            Some((_, scraped)) => {
                let times = scraped.load(Ordering::Relaxed);
                say(format!("{process}: {bytes} bytes of spans; metrics were read {times} times"));
                Ok(())
            }
        }
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if let Some((scraping, _)) = &self.scraping {
            scraping.abort();
        }
    }
}

/// Reads metrics again and again, where and when there are some.
async fn scrape(address: SocketAddr, scraped: Arc<AtomicUsize>) {
    let (client, url) = (Client::new(), format!("http://{address}/metrics"));
    let mut ticks = interval(SCRAPE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        if let Ok(answer) = client.get(&url).send().await
            && answer.status().is_success()
            && answer.bytes().await.is_ok()
        {
            scraped.fetch_add(1, Ordering::Relaxed);
        }
    }
}
