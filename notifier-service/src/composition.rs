//! The one place that knows which adapter stands behind which port.

mod broker;
mod dead_letters;
mod doctor;
mod ledger;
mod mails;
mod notifier;
mod start_error;
#[cfg(all(feature = "test-switches", debug_assertions))]
mod test_switches;

use std::sync::Arc;
use std::time::Duration;

use telemetry::Readiness;

use crate::config::NotifierConfig;
use crate::data_sources::{
    GovernorSendRate, SmtpMailer, SmtpSettings, SystemClock, SystemJitter, UnlimitedSendRate, watch_ledger,
};
use crate::entities::{BreakerPace, DeliveryPolicy};
use crate::interactors::{
    DeliverNotifications, DeliveryPorts, RecordUserEvents, TidyLedger, WatchDeliveries,
};
use crate::repositories::SendRate;
use crate::transport::http::operator_router;
use crate::transport::{Counters, PARTS, watch_lag, watch_mail_server};

use self::broker::Broker;
pub use self::dead_letters::open_dead_letters;
pub use self::doctor::{Finding, examine};
use self::ledger::Ledger;
pub use self::ledger::{migrate, open_operator};
pub use self::mails::preview;
use self::notifier::Page;
pub use self::notifier::{Notifier, NotifierHandle};
pub use self::start_error::StartError;

/// The name of the service where one process has several.
const SERVICE: &str = "notifier-service";

/// What must be left of a lease after the longest send, for the outcome to be recorded.
const RECORDING_MARGIN: Duration = Duration::from_secs(5);

/// Wires the service. Refuses a database that is not migrated; connects to brokers and the mail server in
/// the background.
///
/// # Errors
///
/// [`StartError`], which names the setting at fault.
pub async fn build(config: NotifierConfig) -> Result<Notifier, StartError> {
    let policy = policy(&config)?;
    let renderer = mails::renderer(&config.mails, &config.links)?;
    let open = ledger::open_ledger(&config.database, config.max_connections).await?;
    let Broker { consumer, monitor, dead_letters, letters, history } = broker::broker(&config).await?;
    let (metrics, readiness) = (config.metrics.clone(), Readiness::starting(&PARTS));
    let operator_page = match &config.operator {
        Some(page) => {
            let letters = dead_letters::commands(letters, &open);
            let router =
                operator_router(open.operator(config.links.lifetimes()), letters, page.token.clone());
            Some(Page::bind("operator-listen", page.listen, router).await?)
        }
        None => None,
    };
    let health_page = match config.health_listen {
        Some(address) => {
            let router = telemetry::probes::router(readiness.clone(), metrics.clone());
            Some(Page::bind("health-listen", address, router).await?)
        }
        None => None,
    };
    let Ledger { ledger, suppressed, retention, operator, watch, connections, close: close_ledger } = open;
    #[cfg(all(feature = "test-switches", debug_assertions))]
    let (ledger, consumer) = (test_switches::ledger(ledger), test_switches::consumer(consumer));
    metrics.watch_readiness(SERVICE, readiness.clone());
    metrics.watch_connections(SERVICE, connections);
    watch_ledger(&metrics, operator, watch.clone());
    watch_lag(&metrics, monitor.clone());
    // As many as can be sending at once, or connections are closed only to be opened again.
    let max_idle = usize::try_from(config.workers.saturating_mul(config.batch)).unwrap_or(usize::MAX);
    let smtp = SmtpSettings { max_idle, ..config.smtp };
    let clock = Arc::new(SystemClock::start());
    let rate: Arc<dyn SendRate> = match config.send_rate {
        Some(mails) => Arc::new(GovernorSendRate::per_second(mails)),
        None => Arc::new(UnlimitedSendRate),
    };
    let ports = DeliveryPorts {
        ledger: ledger.clone(),
        suppressed,
        renderer: Arc::new(renderer),
        mailer: Arc::new(SmtpMailer::new(smtp, clock.clone())),
        rate,
        jitter: Arc::new(SystemJitter),
        clock,
    };
    let deliver = Arc::new(DeliverNotifications::new(ports, policy));
    watch_mail_server(&metrics, deliver.clone());
    Ok(Notifier {
        consumer,
        record: RecordUserEvents::new(ledger.clone(), dead_letters),
        deliver,
        ledger,
        tidy: TidyLedger::new(retention, history, config.housekeeping.retention),
        tidy_interval: config.housekeeping.interval,
        operator_page,
        health_page,
        watch: WatchDeliveries::new(watch, config.stuck_after),
        monitor,
        readiness,
        counters: Counters::new(&metrics),
        stuck_after: config.stuck_after,
        close_ledger,
        workers: config.workers,
        batch: config.batch,
        pace: config.pace,
        drain: config.drain,
        tracer: config.tracer,
    })
}

fn policy(config: &NotifierConfig) -> Result<DeliveryPolicy, StartError> {
    let send_limit = config.smtp.total_timeout;
    let needed = send_limit + RECORDING_MARGIN;
    if config.lease <= needed {
        let accepted =
            format!("longer than {} seconds: the longest send, and time to record it", needed.as_secs());
        return Err(StartError::BadValue { setting: "lease-seconds", accepted });
    }
    if config.workers == 0 || config.batch == 0 {
        let setting = if config.workers == 0 { "workers" } else { "batch" };
        return Err(StartError::BadValue { setting, accepted: "at least 1".to_owned() });
    }
    Ok(DeliveryPolicy {
        lease: config.lease,
        send_limit,
        record_limit: RECORDING_MARGIN,
        retry: config.retry,
        breaker: BreakerPace { probe_limit: config.lease, ..config.breaker },
        suppress_for: config.suppress_for,
        links: config.links.lifetimes(),
    })
}
