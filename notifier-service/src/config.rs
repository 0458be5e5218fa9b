//! What the service can be told, in plain types: filled by the command line, by the all-in-one program and
//! by tests alike.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

pub use kafka_connection::{BadKafkaSecurity, KafkaSecurity, KafkaSecuritySettings, ScramMechanism};
use shared_kernel::CDC_TOPIC;
pub use shared_kernel::{BadUrl, BrokerUrl, DatabaseUrl};
use telemetry::Tracer;
pub use telemetry::metrics::Metrics;

use crate::data_sources::SmtpSettings;
use crate::entities::Retention;
use crate::entities::{ActionLinks, BreakerPace, Contact, Letterhead, RetrySchedule, one_line};
use crate::transport::DeliveryPace;
use crate::transport::http::OperatorToken;

/// Everything that [`build`](crate::composition::build) needs to know.
#[derive(Debug, Clone)]
pub struct NotifierConfig {
    /// Where the ledger is.
    pub database: DatabaseUrl,
    /// The most connections to a database server; SQLite ignores it.
    pub max_connections: u32,
    /// What brings the events.
    pub broker: BrokerUrl,
    /// How a Kafka is connected to.
    pub kafka: KafkaSecurity,
    /// The topic that they are on.
    pub topic: String,
    /// As whom to read it: replicas of one group share the work.
    pub consumer_group: String,
    /// Where mail is handed over, and as whom. How many idle connections are kept follows from `workers` and
    /// `batch`.
    pub smtp: SmtpSettings,
    /// The links of mails.
    pub links: ActionLinks,
    /// What mails say.
    pub mails: MailsConfig,
    /// How long the ledger holds what it knows.
    pub housekeeping: HousekeepingConfig,
    /// The operator's page; `None` for none.
    pub operator: Option<OperatorConfig>,
    /// Where probes and Prometheus are answered; nowhere when this is not given.
    pub health_listen: Option<SocketAddr>,
    /// For how long something may fail, or a mail that is due not be taken up, before the process is not ready any more.
    pub stuck_after: Duration,
    /// What the process measures. Services in one process share it.
    pub metrics: Metrics,
    /// How many delivery workers this process runs.
    pub workers: u32,
    /// How many mails a worker sends side by side, and so claims at most at once.
    pub batch: u32,
    /// How long a claim lasts: the longest that a crashed worker's mails wait for another one. Must be
    /// longer than the longest send and five seconds.
    pub lease: Duration,
    /// When a mail that was put off is tried again.
    pub retry: RetrySchedule,
    /// The most mails that this process sends in a second; `None` for no limit.
    pub send_rate: Option<NonZeroU32>,
    /// How long a mail server that cannot be had is left alone. The limit of a probe is the lease's.
    pub breaker: BreakerPace,
    /// How long an address that was refused for good gets no mail; zero for not at all.
    pub suppress_for: Duration,
    /// How workers wait.
    pub pace: DeliveryPace,
    /// How long, after the service was told to stop, mails being sent may take to be done.
    pub drain: Duration,
    /// What tells of records and deliveries.
    pub tracer: Tracer,
}

/// The operator's page and API.
#[derive(Debug, Clone)]
pub struct OperatorConfig {
    /// Where they are served; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Who may use them.
    pub token: OperatorToken,
}

/// How long the ledger holds what it knows, and how often it is tidied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HousekeepingConfig {
    /// For how long.
    pub retention: Retention,
    /// How often what has had its time is taken out.
    pub interval: Duration,
}

impl Default for HousekeepingConfig {
    /// The default times; once a minute.
    fn default() -> Self {
        Self { retention: Retention::default(), interval: Duration::from_secs(60) }
    }
}

/// What mails say, and the templates that they are made of.
#[derive(Debug, Clone)]
pub struct MailsConfig {
    /// Who sends them.
    pub letterhead: Letterhead,
    /// The folder of the templates that take the place of the embedded ones.
    pub templates: Option<PathBuf>,
}

impl MailsConfig {
    /// What can be told from the sender and the links alone: the sender's name, or else the host that links lead to, is
    /// the service's, and the sender's address the contact. The embedded templates.
    pub fn of_sender(smtp: &SmtpSettings, links: &ActionLinks) -> Self {
        let name = smtp.from.name.as_deref().map(one_line).filter(|name| !name.is_empty());
        let service = name.unwrap_or_else(|| links.public_url().host().to_owned());
        let contact = Contact::of_address(smtp.from.email.as_ref());
        Self { letterhead: Letterhead { service, contact }, templates: None }
    }
}

/// Everything that [`preview`](crate::composition::preview) needs to know.
#[derive(Debug, Clone)]
pub struct PreviewConfig {
    /// Where the mails are written to.
    pub folder: PathBuf,
    /// Whose mails they are; no server is spoken to.
    pub sender: SmtpSettings,
    /// The links of mails.
    pub links: ActionLinks,
    /// What mails say.
    pub mails: MailsConfig,
}

/// Everything that [`open_dead_letters`](crate::composition::open_dead_letters) needs to know.
#[derive(Debug, Clone)]
pub struct DeadLettersConfig {
    /// Where the ledger is.
    pub database: DatabaseUrl,
    /// What the letters lie on.
    pub broker: BrokerUrl,
    /// How a Kafka is connected to.
    pub kafka: KafkaSecurity,
    /// The topic whose dead letters they are.
    pub topic: String,
}

impl NotifierConfig {
    /// The defaults around a database, a broker, a mail server and links.
    pub fn new(database: DatabaseUrl, broker: BrokerUrl, smtp: SmtpSettings, links: ActionLinks) -> Self {
        let mails = MailsConfig::of_sender(&smtp, &links);
        Self {
            database,
            max_connections: 10,
            broker,
            kafka: KafkaSecurity::default(),
            topic: CDC_TOPIC.to_owned(),
            consumer_group: "inf-user-notifier".to_owned(),
            smtp,
            links,
            mails,
            housekeeping: HousekeepingConfig::default(),
            operator: None,
            health_listen: None,
            stuck_after: Duration::from_secs(30),
            metrics: Metrics::of_program("notifier-service", env!("CARGO_PKG_VERSION")),
            workers: 4,
            batch: 8,
            lease: Duration::from_secs(90),
            retry: RetrySchedule::default(),
            send_rate: None,
            breaker: BreakerPace::default(),
            suppress_for: Duration::from_secs(24 * 60 * 60),
            pace: DeliveryPace::default(),
            drain: Duration::from_secs(20),
            tracer: Tracer::silent(),
        }
    }
}
