//! What the service can be told, in plain types: filled by the command line, by the all-in-one program and
//! by tests alike.

use std::num::NonZeroU32;
use std::time::Duration;

use shared_kernel::CDC_TOPIC;
pub use shared_kernel::{BadUrl, BrokerUrl, DatabaseUrl};

use crate::data_sources::SmtpSettings;
use crate::entities::{ActionLinks, BreakerPace, RetrySchedule};
use crate::transport::DeliveryPace;

/// Everything that [`build`](crate::composition::build) needs to know.
#[derive(Debug, Clone)]
pub struct NotifierConfig {
    /// Where the ledger is.
    pub database: DatabaseUrl,
    /// The most connections to a database server; SQLite ignores it.
    pub max_connections: u32,
    /// What brings the events.
    pub broker: BrokerUrl,
    /// The topic that they are on.
    pub topic: String,
    /// As whom to read it: replicas of one group share the work.
    pub consumer_group: String,
    /// Where mail is handed over, and as whom. How many idle connections are kept follows from `workers` and
    /// `batch`.
    pub smtp: SmtpSettings,
    /// The links of mails.
    pub links: ActionLinks,
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
}

impl NotifierConfig {
    /// The defaults around a database, a broker, a mail server and links.
    pub fn new(database: DatabaseUrl, broker: BrokerUrl, smtp: SmtpSettings, links: ActionLinks) -> Self {
        Self {
            database,
            max_connections: 10,
            broker,
            topic: CDC_TOPIC.to_owned(),
            consumer_group: "inf-user-notifier".to_owned(),
            smtp,
            links,
            workers: 4,
            batch: 8,
            lease: Duration::from_secs(90),
            retry: RetrySchedule::default(),
            send_rate: None,
            breaker: BreakerPace::default(),
            suppress_for: Duration::from_secs(24 * 60 * 60),
            pace: DeliveryPace::default(),
            drain: Duration::from_secs(20),
        }
    }
}
