//! What the service can be told, in plain types: filled by the command line, by the all-in-one program and
//! by tests alike.

use std::time::Duration;

use shared_kernel::CDC_TOPIC;
pub use shared_kernel::{BadUrl, BrokerUrl, DatabaseUrl};

use crate::data_sources::Argon2Cost;
use crate::transport::http::HttpLimits;
use crate::transport::relay_loop::RelayTiming;

/// Everything that [`build`](crate::composition::build) needs to know.
#[derive(Debug, Clone)]
pub struct UserServiceConfig {
    /// Where the accounts are.
    pub database: DatabaseUrl,
    /// The most connections to a database server; SQLite ignores it.
    pub max_connections: u32,
    /// What a password's hash costs.
    pub password_cost: Argon2Cost,
    /// How much may be asked for at once.
    pub limits: HttpLimits,
    /// What carries changes to the topic; without it, this process only serves the API.
    pub relay: Option<RelayConfig>,
}

impl UserServiceConfig {
    /// The defaults around a database.
    pub fn new(database: DatabaseUrl) -> Self {
        Self {
            database,
            max_connections: 10,
            password_cost: Argon2Cost::default(),
            limits: HttpLimits::default(),
            relay: None,
        }
    }
}

/// How changes get to the topic.
#[derive(Debug, Clone)]
pub struct RelayConfig {
    /// The broker.
    pub broker: BrokerUrl,
    /// The topic.
    pub topic: String,
    /// The most changes in one step.
    pub batch: usize,
    /// How often the outbox is looked at for what other processes committed.
    pub poll_interval: Duration,
    /// How long the broker may take for one batch before the connection is made anew.
    pub publish_deadline: Duration,
    /// How the loop waits and stops.
    pub timing: RelayTiming,
}

impl RelayConfig {
    /// The defaults around a broker.
    pub fn new(broker: BrokerUrl) -> Self {
        Self {
            broker,
            topic: CDC_TOPIC.to_owned(),
            batch: 500,
            poll_interval: Duration::from_millis(100),
            publish_deadline: Duration::from_secs(30),
            timing: RelayTiming::default(),
        }
    }
}
