//! The one place that knows which adapter stands behind which port.

mod api;
mod broker;
mod capture;
mod create_admin;
mod database;
mod doctor;
mod ports;
#[cfg(all(feature = "test-switches", debug_assertions))]
mod test_switches;

use std::sync::Arc;
use std::time::Duration;

use telemetry::metrics::Metrics;
use telemetry::{Readiness, Tracer};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::{DatabaseUrl, RelayConfig, UserServiceConfig};
use crate::data_sources::{
    MeasuredChangeFeed, MeasuredEventPublisher, SystemClock, TracedEventPublisher, watch_dead_outbox,
    watch_outbox,
};
use crate::interactors::{RelayChanges, WatchBroker, WatchOutbox};
use crate::repositories::{AdapterError, Clock};
use crate::transport::relay_loop::{self, RelayTiming};
use crate::transport::watch_loop::{self, BROKER, DATABASE, RELAY, Relaying};
use crate::transport::{RelayHealth, http};

use api::Api;
pub use create_admin::{CreateAdminError, create_admin};
use database::Database;
pub use doctor::{Finding, examine};
use ports::Ports;

/// The name of the service where one process has several.
const SERVICE: &str = "user-service";

/// How long to wait for connections that are still in use when all else has stopped.
const CLOSE_WAIT: Duration = Duration::from_millis(500);

/// The longest time for the head of a probe's request to arrive.
const HEALTH_HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the service cannot start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The setting asks for something that is not part of this build.
    #[error("{setting}: this build has no {what}; build with the feature `{feature}`")]
    NotInThisBuild {
        /// The setting.
        setting: &'static str,
        /// What it asks for.
        what: &'static str,
        /// The cargo feature that has it.
        feature: &'static str,
    },
    /// A part that the setting names cannot be used.
    #[error("{setting}: it cannot be used")]
    Unusable {
        /// The setting.
        setting: &'static str,
        /// What its technology said.
        #[source]
        source: AdapterError,
    },
}

fn unusable(setting: &'static str) -> impl Fn(AdapterError) -> StartError {
    move |source| StartError::Unusable { setting, source }
}

/// The service, wired and ready to be driven.
pub struct UserService {
    api: Option<Api>,
    relay: Option<Relay>,
    watch: WatchOutbox,
    readiness: Readiness,
    metrics: Metrics,
    database: Arc<Database>,
}

/// The relay, and who watches it.
struct Relay {
    changes: RelayChanges,
    timing: RelayTiming,
    health: RelayHealth,
    broker: WatchBroker,
    patience: Duration,
}

/// Wires the service. Refuses a database that is not migrated.
///
/// # Errors
///
/// [`StartError`], which names the setting at fault.
pub async fn build(config: UserServiceConfig) -> Result<UserService, StartError> {
    let database = Arc::new(Database::open(&config).await?);
    database.check_schema().await.map_err(unusable("database-url"))?;
    let parts: &[&str] = if config.relay.is_some() { &[DATABASE, BROKER, RELAY] } else { &[DATABASE] };
    let readiness = Readiness::starting(parts);
    let metrics = config.metrics;
    measure(&metrics, &database, &readiness);
    let stuck_after = config.relay.as_ref().map_or(Duration::MAX, |relay| relay.stuck_after);
    let watch = WatchOutbox::new(database.backlog(), stuck_after);
    let tracer = config.tracer;
    let api = config
        .api
        .map(|api| api::build(&database, api, readiness.clone(), tracer.clone(), &metrics))
        .transpose()?;
    let relay = match config.relay {
        Some(relay) => Some(relay_of(&database, &config.database, relay, &tracer, &metrics).await?),
        None => None,
    };
    Ok(UserService { api, relay, watch, readiness, metrics, database })
}

/// What every process of the service tells.
fn measure(metrics: &Metrics, database: &Arc<Database>, readiness: &Readiness) {
    metrics.watch_readiness(SERVICE, readiness.clone());
    let connected = database.clone();
    metrics.watch_connections(SERVICE, move || connected.connections());
    watch_outbox(metrics, database.backlog(), Arc::new(SystemClock));
}

async fn relay_of(
    database: &Database,
    url: &DatabaseUrl,
    config: RelayConfig,
    tracer: &Tracer,
    metrics: &Metrics,
) -> Result<Relay, StartError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let publisher = broker::publisher(&config).await?;
    let publisher = Arc::new(TracedEventPublisher::new(publisher, tracer.clone(), &config.topic));
    let publisher = MeasuredEventPublisher::new(publisher, metrics);
    let feed = capture::change_feed(database, url, &config).await?;
    #[cfg(all(feature = "test-switches", debug_assertions))]
    let feed = test_switches::feed(feed);
    let feed = MeasuredChangeFeed::new(feed, clock.clone(), metrics);
    watch_dead_outbox(metrics, database.backlog());
    Ok(Relay {
        changes: RelayChanges::new(Arc::new(feed), Arc::new(publisher), clock, config.batch),
        timing: config.timing,
        health: RelayHealth::default(),
        broker: WatchBroker::new(broker::probe(&config).await?),
        patience: config.stuck_after,
    })
}

/// Brings the database to the version of this build and creates the topics that are missing. Safe on live
/// data, and when several do it at once.
///
/// # Errors
///
/// [`StartError`], which names the setting at fault.
pub async fn migrate(config: &UserServiceConfig) -> Result<(), StartError> {
    let database = Database::open(config).await?;
    database.migrate().await.map_err(unusable("database-url"))?;
    database.close().await;
    if let Some(relay) = &config.relay {
        broker::create_topics(relay).await?;
    }
    Ok(())
}

/// Makes a relay that captures from the table of users begin at the present end of the binary log when it next
/// starts; whether it would have begun elsewhere. A relay that is running begins anew.
///
/// # Errors
///
/// [`StartError`], which names the setting at fault.
pub async fn forget_relay_position(config: &UserServiceConfig) -> Result<bool, StartError> {
    let database = Database::open(config).await?;
    database.check_schema().await.map_err(unusable("database-url"))?;
    let forgotten = capture::forget_position(&database, &config.database).await?;
    database.close().await;
    Ok(forgotten)
}

impl UserService {
    /// Serves the REST API until `shutdown`, then lets the requests under way end, for three seconds at
    /// most. Meanwhile answers requests for a password reset and clears away what has expired. Returns at once when
    /// the service was built without an API.
    pub async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) {
        let Some(api) = &self.api else { return };
        let watching = async {
            if self.relay.is_none() {
                watch_loop::watch_database(&self.watch, None, &self.readiness, shutdown.clone()).await;
            }
        };
        tokio::join!(api.run(listener, shutdown.clone()), watching);
    }

    /// Relays changes until `shutdown`, then what is committed by then. Returns at once when the service
    /// was built without a relay.
    pub async fn relay(&self, shutdown: CancellationToken) {
        if let Some(Relay { changes: relay, timing, health, broker, patience }) = &self.relay {
            let relaying = Some(Relaying { relay, health });
            tokio::join!(
                relay_loop::run(relay, *timing, health, shutdown.clone()),
                watch_loop::watch_database(&self.watch, relaying, &self.readiness, shutdown.clone()),
                watch_loop::watch_broker(broker, *patience, &self.readiness, shutdown.clone()),
            );
        }
    }

    /// Tells probes, until `shutdown`, whether the process is alive and can do its work, and what it measures.
    pub async fn serve_health(&self, listener: TcpListener, shutdown: CancellationToken) {
        let router = http::health_router(self.readiness.clone(), self.metrics.clone());
        http::serve(listener, router, HEALTH_HEADER_TIMEOUT, shutdown).await;
    }

    /// Closes the connections to the database. One that waits for the server, for a lock that another
    /// program holds, say, is waited for a moment only and ends with the process.
    pub async fn close(self) {
        if tokio::time::timeout(CLOSE_WAIT, self.database.close()).await.is_err() {
            tracing::warn!("a connection to the database is still in use; what it did not commit is undone");
        }
    }
}
