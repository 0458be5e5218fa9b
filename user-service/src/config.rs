//! What the service can be told, in plain types: filled by the command line, by the all-in-one program and
//! by tests alike.

use std::time::Duration;

pub use kafka_connection::{BadKafkaSecurity, KafkaSecurity, KafkaSecuritySettings, ScramMechanism};
use shared_kernel::CDC_TOPIC;
pub use shared_kernel::{BadKeys, BadUrl, BrokerUrl, DatabaseUrl, SigningKeys};
use telemetry::Tracer;
pub use telemetry::metrics::Metrics;

use crate::data_sources::Argon2Cost;
use crate::interactors::SessionPolicy;
use crate::transport::http::HttpSettings;
use crate::transport::relay_loop::RelayTiming;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Everything that [`build`](crate::composition::build) needs to know.
#[derive(Debug, Clone)]
pub struct UserServiceConfig {
    /// Where the accounts are.
    pub database: DatabaseUrl,
    /// The most connections to a database server; SQLite ignores it.
    pub max_connections: u32,
    /// What serves the REST API; without it, this process only relays.
    pub api: Option<ApiConfig>,
    /// What carries changes to the topic; without it, this process only serves the API.
    pub relay: Option<RelayConfig>,
    /// What tells of requests and changes.
    pub tracer: Tracer,
    /// What the process measures. Services in one process share it.
    pub metrics: Metrics,
}

impl UserServiceConfig {
    /// The defaults around a database, with neither an API nor a relay.
    pub fn new(database: DatabaseUrl) -> Self {
        let (tracer, metrics) =
            (Tracer::silent(), Metrics::of_program("user-service", env!("CARGO_PKG_VERSION")));
        Self { database, max_connections: 10, api: None, relay: None, tracer, metrics }
    }
}

/// How the REST API is served, and what is done beside it.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Sign access tokens. Nobody else needs them.
    pub session_keys: SigningKeys,
    /// Verify the tokens of links in mails. The notifier signs by them.
    pub action_token_keys: SigningKeys,
    /// How long tokens count.
    pub sessions: SessionPolicy,
    /// What is asked of passwords.
    pub passwords: PasswordConfig,
    /// What the API lets pass.
    pub http: HttpSettings,
    /// How long the answer to an idempotent request is kept.
    pub answers_kept: Duration,
    /// How long after its last change an account is removed that nobody confirms; `None` keeps it.
    pub unconfirmed_for: Option<Duration>,
    /// How often what has expired is cleared away.
    pub housekeeping_interval: Duration,
}

impl ApiConfig {
    /// The defaults around the keys.
    pub fn new(session_keys: SigningKeys, action_token_keys: SigningKeys) -> Self {
        Self {
            session_keys,
            action_token_keys,
            sessions: SessionPolicy::default(),
            passwords: PasswordConfig::default(),
            http: HttpSettings::default(),
            answers_kept: DAY,
            unconfirmed_for: Some(30 * DAY),
            housekeeping_interval: Duration::from_secs(60),
        }
    }
}

/// What is asked of passwords.
#[derive(Debug, Clone, Copy)]
pub struct PasswordConfig {
    /// What a hash costs.
    pub cost: Argon2Cost,
    /// The least that a new password scores, from 0 (too guessable) to 4 (very unguessable).
    pub least_score: u8,
}

impl Default for PasswordConfig {
    fn default() -> Self {
        Self { cost: Argon2Cost::default(), least_score: 3 }
    }
}

/// How the relay comes to know of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capture {
    /// It reads the outbox again and again.
    OutboxPolled,
    /// It follows the binary log of MySQL or MariaDB for what is inserted into the outbox.
    OutboxBinlog,
    /// It follows the binary log of MySQL or MariaDB for what is done to the users, whatever program does it.
    UsersTable,
    /// Of the outbox the requests alone, which change no row; its other rows are dropped. For a topic that is fed by a
    /// Debezium connector. Follows the binary log where there is one, and else polls.
    OutboxRequests,
}

/// How changes get to the topic.
#[derive(Debug, Clone)]
pub struct RelayConfig {
    /// The broker.
    pub broker: BrokerUrl,
    /// How a Kafka is connected to.
    pub kafka: KafkaSecurity,
    /// The topic.
    pub topic: String,
    /// How changes are captured; `None` takes the binary log where the database has one and this build can follow it,
    /// and else polls.
    pub capture: Option<Capture>,
    /// The most changes in one step.
    pub batch: usize,
    /// How often the outbox is looked at for what other processes committed, when it is polled.
    pub poll_interval: Duration,
    /// How often the outbox is looked at for what did not come by the binary log, when that is followed.
    pub check_interval: Duration,
    /// What an event of the binary log may take up in memory when users are captured from it, in bytes.
    pub largest_event: usize,
    /// How long the broker may take for one batch before the connection is made anew.
    pub publish_deadline: Duration,
    /// How long a change may be the oldest that is not published before the process is not ready any more.
    pub stuck_after: Duration,
    /// How the loop waits and stops.
    pub timing: RelayTiming,
}

impl RelayConfig {
    /// The defaults around a broker.
    pub fn new(broker: BrokerUrl) -> Self {
        Self {
            broker,
            kafka: KafkaSecurity::default(),
            topic: CDC_TOPIC.to_owned(),
            capture: None,
            batch: 200,
            poll_interval: Duration::from_millis(100),
            check_interval: Duration::from_secs(60),
            largest_event: 64 * 1024 * 1024,
            publish_deadline: Duration::from_secs(30),
            stuck_after: Duration::from_secs(30),
            timing: RelayTiming::default(),
        }
    }
}
