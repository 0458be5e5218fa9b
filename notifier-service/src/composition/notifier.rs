use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use telemetry::{Readiness, Tracer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::start_error::{StartError, unusable};
use crate::interactors::{DeliverNotifications, RecordUserEvents, TidyLedger, WatchDeliveries};
use crate::repositories::{LedgerCounts, LedgerError, NotificationLedger};
use crate::transport::http::serve;
use crate::transport::{
    ConsumerMonitor, Counters, DeliveryPace, EventConsumer, Wake, Watched, consume_loop, delivery_loop,
    housekeeping_loop, watch_loop,
};

/// How long closing the ledger's connections may take: a server that no longer answers is not waited for.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// The service, wired and ready to be run.
pub struct Notifier {
    pub(super) consumer: Box<dyn EventConsumer>,
    pub(super) record: RecordUserEvents,
    pub(super) deliver: Arc<DeliverNotifications>,
    pub(super) ledger: Arc<dyn NotificationLedger>,
    pub(super) tidy: TidyLedger,
    pub(super) tidy_interval: Duration,
    pub(super) operator_page: Option<Page>,
    pub(super) health_page: Option<Page>,
    pub(super) watch: WatchDeliveries,
    pub(super) monitor: Arc<dyn ConsumerMonitor>,
    pub(super) readiness: Readiness,
    pub(super) counters: Counters,
    pub(super) stuck_after: Duration,
    pub(super) close_ledger: BoxFuture<'static, ()>,
    pub(super) workers: u32,
    pub(super) batch: u32,
    pub(super) pace: DeliveryPace,
    pub(super) drain: Duration,
    pub(super) tracer: Tracer,
}

/// Looks at a [`Notifier`] while it runs.
#[derive(Clone)]
pub struct NotifierHandle {
    ledger: Arc<dyn NotificationLedger>,
}

impl NotifierHandle {
    /// How many mails wait, were sent and were given up.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] when the ledger is not available, or the notifier has stopped.
    pub async fn counts(&self) -> Result<LedgerCounts, LedgerError> {
        self.ledger.counts().await
    }
}

impl Notifier {
    /// Where the operator's page is served while this runs.
    pub fn operator_address(&self) -> Option<SocketAddr> {
        self.operator_page.as_ref().and_then(|page| page.listener.local_addr().ok())
    }

    /// Where probes and Prometheus are answered while this runs.
    pub fn health_address(&self) -> Option<SocketAddr> {
        self.health_page.as_ref().and_then(|page| page.listener.local_addr().ok())
    }

    /// A view of this notifier that outlives the call of [`run`](Self::run).
    pub fn handle(&self) -> NotifierHandle {
        NotifierHandle { ledger: self.ledger.clone() }
    }

    /// Records and delivers until `shutdown`. Then the consumer finishes its batch and leaves the group,
    /// then the workers finish what they have claimed; both have the drain time of the configuration
    /// together. What is cut off is tried again when its lease has ended.
    ///
    /// # Panics
    ///
    /// When one of its tasks panicked: a notifier without consumer or workers must not look alive.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self {
            consumer,
            record,
            deliver,
            ledger: _,
            tidy,
            tidy_interval,
            operator_page,
            health_page,
            watch,
            monitor,
            readiness,
            counters,
            stuck_after,
            close_ledger,
            workers,
            batch,
            pace,
            drain,
            tracer,
        } = self;
        let wake = Arc::new(Wake::default());
        let stop_delivery = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn({
            let (wake, tracer, counters) = (wake.clone(), tracer.clone(), counters.clone());
            let (shutdown, stop_delivery) = (shutdown.clone(), stop_delivery.clone());
            async move {
                consume_loop(consumer, &record, &wake, &tracer, &counters, &shutdown).await;
                stop_delivery.cancel();
            }
        });
        for _ in 0..workers {
            let (deliver, wake, stop) = (deliver.clone(), wake.clone(), stop_delivery.clone());
            let (tracer, counters) = (tracer.clone(), counters.clone());
            tasks.spawn(async move {
                delivery_loop(&deliver, batch, &wake, pace, &tracer, &counters, &stop).await;
            });
        }
        for Page { setting, listener, router } in [operator_page, health_page].into_iter().flatten() {
            let shutdown = shutdown.clone();
            tasks.spawn(async move {
                if let Err(error) = serve(listener, router, shutdown).await {
                    tracing::error!(error = &error as &dyn Error, setting, "this is not answered any more");
                }
            });
        }
        tasks.spawn({
            let shutdown = shutdown.clone();
            async move {
                let (deliveries, deliver, consumer) = (&watch, &*deliver, &*monitor);
                let watched = Watched { deliveries, deliver, consumer, patience: stuck_after };
                watch_loop(watched, &readiness, &shutdown).await;
            }
        });
        let stop_tidying = shutdown.clone();
        tasks.spawn(async move { housekeeping_loop(&tidy, tidy_interval, &stop_tidying).await });
        let all_done = async {
            while let Some(done) = tasks.join_next().await {
                if let Err(error) = done
                    && error.is_panic()
                {
                    std::panic::resume_unwind(error.into_panic());
                }
            }
        };
        let cut_off = async {
            shutdown.cancelled().await;
            tokio::time::sleep(drain).await;
        };
        tokio::select! {
            () = all_done => {}
            () = cut_off => tracing::warn!("what was still under way is cut off; mails among it are tried again when their leases end"),
        }
        tasks.shutdown().await;
        if tokio::time::timeout(CLOSE_LIMIT, close_ledger).await.is_err() {
            tracing::warn!("the ledger's connections could not be closed in time");
        }
    }
}

/// Something at an address of its own, not yet served.
pub(super) struct Page {
    setting: &'static str,
    listener: TcpListener,
    router: axum::Router,
}

impl Page {
    pub(super) async fn bind(
        setting: &'static str,
        address: SocketAddr,
        router: axum::Router,
    ) -> Result<Self, StartError> {
        let listener = TcpListener::bind(address).await.map_err(|error| unusable(setting, error))?;
        Ok(Self { setting, listener, router })
    }
}
