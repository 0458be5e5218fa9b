//! The one place that knows which adapter stands behind which port.

mod dead_letters;
mod doctor;
#[cfg(all(feature = "test-switches", debug_assertions))]
mod test_switches;

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use telemetry::metrics::Connections;
use telemetry::{Readiness, Tracer};
use thiserror::Error as ThisError;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{BrokerUrl, DatabaseUrl, MailsConfig, NotifierConfig, PreviewConfig};
use crate::data_sources::{
    GovernorSendRate, MailTemplates, MinijinjaMailRenderer, PreviewFolder, SmtpMailer, SmtpSettings,
    SystemClock, SystemJitter, TemplateError, UnlimitedSendRate, watch_ledger,
};
use crate::entities::{ActionLinks, BreakerPace, DeliveryPolicy, LinkLifetimes};
use crate::interactors::{
    CancelMail, DeliverNotifications, DeliveryPorts, InspectMails, PreviewMails, PreviewMailsError,
    RecordUserEvents, RedriveMails, ResendMail, TidyLedger, WatchDeliveries,
};
use crate::repositories::{
    DeadLetterLog, DeadLetters, EventHistory, LedgerCounts, LedgerError, LedgerRetention, LedgerWatch,
    NotificationLedger, OperatorLedger, SendRate, SuppressedAddresses,
};
use crate::transport::http::{Operator, operator_router, serve};
use crate::transport::{
    ConsumerMonitor, Counters, DeliveryPace, EventConsumer, PARTS, Wake, Watched, consume_loop,
    delivery_loop, housekeeping_loop, watch_lag, watch_loop, watch_mail_server,
};

pub use self::dead_letters::open_dead_letters;
pub use self::doctor::{Finding, examine};

/// The name of the service where one process has several.
const SERVICE: &str = "notifier-service";

/// What must be left of a lease after the longest send, for the outcome to be recorded.
const RECORDING_MARGIN: Duration = Duration::from_secs(5);

/// How long closing the ledger's connections may take: a server that no longer answers is not waited for.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// Why the service cannot start.
#[derive(Debug, ThisError)]
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
        source: Box<dyn Error + Send + Sync>,
    },
    /// The database has not the schema that this build works with.
    #[error(
        "database-url: the database is not migrated to this version; run `notifier-service migrate` first"
    )]
    NotMigrated,
    /// A setting does not fit the others.
    #[error("{setting}: it must be {accepted}")]
    BadValue {
        /// The setting.
        setting: &'static str,
        /// What it accepts.
        accepted: String,
    },
    /// The templates of mails cannot be used.
    #[error("templates")]
    Templates(#[source] TemplateError),
    /// The mails cannot be shown.
    #[error("folder")]
    Preview(#[source] PreviewMailsError),
}

/// The service, wired and ready to be run.
pub struct Notifier {
    consumer: Box<dyn EventConsumer>,
    record: RecordUserEvents,
    deliver: Arc<DeliverNotifications>,
    ledger: Arc<dyn NotificationLedger>,
    tidy: TidyLedger,
    tidy_interval: Duration,
    operator_page: Option<Page>,
    health_page: Option<Page>,
    watch: WatchDeliveries,
    monitor: Arc<dyn ConsumerMonitor>,
    readiness: Readiness,
    counters: Counters,
    stuck_after: Duration,
    close_ledger: BoxFuture<'static, ()>,
    workers: u32,
    batch: u32,
    pace: DeliveryPace,
    drain: Duration,
    tracer: Tracer,
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

/// Wires the service. Refuses a database that is not migrated; connects to brokers and the mail server in
/// the background.
///
/// # Errors
///
/// [`StartError`], which names the setting at fault.
pub async fn build(config: NotifierConfig) -> Result<Notifier, StartError> {
    let policy = policy(&config)?;
    let renderer = renderer(&config.mails, &config.links)?;
    let open = open_ledger(&config.database, config.max_connections).await?;
    let Broker { consumer, monitor, dead_letters, letters, history } = broker(&config).await?;
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

/// Brings the ledger's database to the version of this build; creates a SQLite file that is missing. Safe
/// on live data, and when several do it at once.
///
/// # Errors
///
/// [`StartError`], which names the setting at fault.
pub async fn migrate(database: &DatabaseUrl) -> Result<(), StartError> {
    match database {
        #[cfg(feature = "mysql")]
        DatabaseUrl::MySql(url) => {
            use secrecy::ExposeSecret as _;
            crate::data_sources::MySqlNotificationLedger::migrate(url.expose_secret())
                .await
                .map_err(not_opened)
        }
        #[cfg(feature = "sqlite")]
        DatabaseUrl::Sqlite(path) => {
            crate::data_sources::SqliteNotificationLedger::migrate(path).await.map_err(not_opened)
        }
        #[cfg(not(all(feature = "mysql", feature = "sqlite")))]
        other => Err(no_such_database(other)),
    }
}

/// What an operator can do to the ledger, for a command that does one thing, and what closes the ledger's connections.
///
/// # Errors
///
/// [`StartError`], which names the setting at fault.
pub async fn open_operator(
    database: &DatabaseUrl,
    links: LinkLifetimes,
) -> Result<(Operator, BoxFuture<'static, ()>), StartError> {
    let open = open_ledger(database, 1).await?;
    Ok((open.operator(links), open.close))
}

/// Writes every mail in every language, made from sample data, into a folder, and tells how many.
///
/// # Errors
///
/// [`StartError`], which names the setting at fault.
pub fn preview(config: PreviewConfig) -> Result<usize, StartError> {
    let renderer = renderer(&config.mails, &config.links)?;
    let previews = PreviewFolder::new(config.folder, config.sender);
    PreviewMails::new(Box::new(renderer), Box::new(previews)).execute().map_err(StartError::Preview)
}

/// The renderer, with which every mail was written once.
fn renderer(mails: &MailsConfig, links: &ActionLinks) -> Result<MinijinjaMailRenderer, StartError> {
    let templates = match &mails.templates {
        Some(folder) => MailTemplates::overridden_in(folder),
        None => MailTemplates::embedded(),
    };
    templates
        .and_then(|templates| MinijinjaMailRenderer::new(templates, mails.letterhead.clone(), links.clone()))
        .map_err(StartError::Templates)
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
            () = cut_off => tracing::warn!("mails were still being sent; they are tried again when their leases end"),
        }
        tasks.shutdown().await;
        if tokio::time::timeout(CLOSE_LIMIT, close_ledger).await.is_err() {
            tracing::warn!("the ledger's connections could not be closed in time");
        }
    }
}

/// What is kept in the ledger's database, and what closes its connections.
struct Ledger {
    ledger: Arc<dyn NotificationLedger>,
    suppressed: Arc<dyn SuppressedAddresses>,
    retention: Arc<dyn LedgerRetention>,
    operator: Arc<dyn OperatorLedger>,
    watch: Arc<dyn LedgerWatch>,
    connections: Box<dyn Fn() -> Connections + Send + Sync>,
    close: BoxFuture<'static, ()>,
}

impl Ledger {
    fn operator(&self, links: LinkLifetimes) -> Operator {
        Operator {
            inspect: InspectMails::new(self.operator.clone(), self.ledger.clone()),
            resend: ResendMail::new(self.operator.clone(), self.suppressed.clone(), links),
            cancel: CancelMail::new(self.operator.clone()),
            redrive: RedriveMails::new(self.operator.clone(), links),
        }
    }
}

/// Something at an address of its own, not yet served.
struct Page {
    setting: &'static str,
    listener: TcpListener,
    router: axum::Router,
}

impl Page {
    async fn bind(
        setting: &'static str,
        address: SocketAddr,
        router: axum::Router,
    ) -> Result<Self, StartError> {
        let listener = TcpListener::bind(address).await.map_err(|error| unusable(setting, error))?;
        Ok(Self { setting, listener, router })
    }
}

/// An open ledger behind each of its ports.
#[cfg(any(feature = "mysql", feature = "sqlite"))]
macro_rules! ledger_parts {
    ($ledger:ident) => {
        Ledger {
            suppressed: $ledger.clone(),
            retention: $ledger.clone(),
            operator: $ledger.clone(),
            watch: $ledger.clone(),
            connections: {
                let open = $ledger.clone();
                Box::new(move || open.connections())
            },
            close: {
                let open = $ledger.clone();
                Box::pin(async move { open.close().await })
            },
            ledger: $ledger,
        }
    };
}

async fn open_ledger(
    database: &DatabaseUrl,
    #[cfg_attr(
        not(feature = "mysql"),
        expect(unused_variables, reason = "only a server has connections to count")
    )]
    max_connections: u32,
) -> Result<Ledger, StartError> {
    match database {
        #[cfg(feature = "mysql")]
        DatabaseUrl::MySql(url) => {
            use secrecy::ExposeSecret as _;
            let opened =
                crate::data_sources::MySqlNotificationLedger::open(url.expose_secret(), max_connections);
            let ledger = Arc::new(opened.await.map_err(not_opened)?);
            Ok(ledger_parts!(ledger))
        }
        #[cfg(feature = "sqlite")]
        DatabaseUrl::Sqlite(path) => {
            let opened = crate::data_sources::SqliteNotificationLedger::open(path);
            let ledger = Arc::new(opened.await.map_err(not_opened)?);
            Ok(ledger_parts!(ledger))
        }
        #[cfg(not(all(feature = "mysql", feature = "sqlite")))]
        other => Err(no_such_database(other)),
    }
}

/// The consumer of the topic, and what else is on the same broker.
struct Broker {
    consumer: Box<dyn EventConsumer>,
    monitor: Arc<dyn ConsumerMonitor>,
    dead_letters: Arc<dyn DeadLetters>,
    letters: Arc<dyn DeadLetterLog>,
    history: Arc<dyn EventHistory>,
}

async fn broker(config: &NotifierConfig) -> Result<Broker, StartError> {
    let topics = vec![config.topic.clone(), shared_kernel::dead_letter_topic(&config.topic)];
    match &config.broker {
        #[cfg(feature = "kafka")]
        BrokerUrl::Kafka(brokers) => {
            use crate::transport::{KafkaConsumer, KafkaConsumerSettings};
            let connection = kafka(brokers, &config.kafka)?;
            let consumer = KafkaConsumer::subscribe(&KafkaConsumerSettings {
                connection: connection.clone(),
                group: config.consumer_group.clone(),
                topic: config.topic.clone(),
                session_timeout: KafkaConsumerSettings::SESSION_TIMEOUT,
            })
            .map_err(|error| unusable("broker-url", error))?;
            let dead_letters = crate::data_sources::KafkaDeadLetters::new(&connection)
                .map_err(|error| unusable("broker-url", error))?;
            let letters = crate::data_sources::KafkaDeadLetterLog::new(&connection, &config.topic);
            let history = crate::data_sources::KafkaEventHistory::new(&connection, topics)
                .map_err(|error| unusable("broker-url", error))?;
            Ok(Broker {
                monitor: Arc::new(consumer.monitor()),
                consumer: Box::new(consumer),
                dead_letters: Arc::new(dead_letters),
                letters: Arc::new(letters),
                history: Arc::new(history),
            })
        }
        #[cfg(feature = "table-broker")]
        BrokerUrl::Table(path) => {
            let broker =
                table_broker(path, &config.topic).await.map_err(|error| unusable("broker-url", error))?;
            let consumer =
                crate::transport::TableBrokerConsumer::new(&broker, &config.consumer_group, &config.topic);
            let monitor = crate::transport::TableBrokerConsumerMonitor::new(
                broker.clone(),
                &config.consumer_group,
                &config.topic,
            );
            let dead_letters = crate::data_sources::TableBrokerDeadLetters::new(broker.clone());
            let letters = crate::data_sources::TableBrokerDeadLetterLog::new(broker.clone(), &config.topic);
            let history = crate::data_sources::TableBrokerEventHistory::new(broker, topics);
            Ok(Broker {
                monitor: Arc::new(monitor),
                consumer: Box::new(consumer),
                dead_letters: Arc::new(dead_letters),
                letters: Arc::new(letters),
                history: Arc::new(history),
            })
        }
        #[cfg(not(all(feature = "kafka", feature = "table-broker")))]
        other => Err(no_such_broker(other)),
    }
}

#[cfg(feature = "kafka")]
fn kafka(
    brokers: &str,
    security: &kafka_connection::KafkaSecurity,
) -> Result<kafka_connection::KafkaConnection, StartError> {
    use kafka_connection::{BadConnection, KafkaConnection};
    KafkaConnection::new(brokers, security).map_err(|bad| match bad {
        BadConnection::NoTls { setting } => {
            StartError::NotInThisBuild { setting, what: "TLS and SASL for Kafka", feature: "kafka-tls" }
        }
        BadConnection::Refused { setting, source } => unusable(setting, source),
    })
}

/// Opens the table-broker with the topics in it, whoever of the two services comes first.
#[cfg(feature = "table-broker")]
async fn table_broker(
    path: &std::path::Path,
    topic: &str,
) -> Result<table_broker::TableBroker, table_broker::BrokerError> {
    let broker = table_broker::TableBroker::open_sqlite(path).await?;
    for topic in [topic, &shared_kernel::dead_letter_topic(topic)] {
        broker.create_topic(topic, shared_kernel::CDC_PARTITIONS).await?;
    }
    Ok(broker)
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

#[cfg(any(feature = "mysql", feature = "sqlite"))]
fn not_opened(error: crate::data_sources::OpenError) -> StartError {
    match error {
        crate::data_sources::OpenError::NotMigrated => StartError::NotMigrated,
        error => unusable("database-url", error),
    }
}

fn unusable(setting: &'static str, error: impl Into<Box<dyn Error + Send + Sync>>) -> StartError {
    StartError::Unusable { setting, source: error.into() }
}

#[cfg(not(all(feature = "mysql", feature = "sqlite")))]
fn no_such_database(database: &DatabaseUrl) -> StartError {
    let (what, feature) = match database {
        DatabaseUrl::MySql(_) => ("MySQL", "mysql"),
        DatabaseUrl::Sqlite(_) => ("SQLite", "sqlite"),
    };
    StartError::NotInThisBuild { setting: "database-url", what, feature }
}

#[cfg(not(all(feature = "kafka", feature = "table-broker")))]
fn no_such_broker(broker: &BrokerUrl) -> StartError {
    let (what, feature) = match broker {
        BrokerUrl::Kafka(_) => ("Kafka", "kafka"),
        BrokerUrl::Table(_) => ("table-broker", "table-broker"),
    };
    StartError::NotInThisBuild { setting: "broker-url", what, feature }
}
