//! The one place that knows which adapter stands behind which port.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::{BrokerUrl, DatabaseUrl, RelayConfig, UserServiceConfig};
use crate::data_sources::{Argon2PasswordHasher, SystemClock, UuidV7IdGenerator};
use crate::interactors::{DeleteUser, GetUser, ListUsers, RegisterUser, RelayChanges, UpdateUser};
use crate::repositories::{AdapterError, ChangeFeed, Clock, EventPublisher, IdGenerator, UserRepository};
use crate::transport::http::{self, HttpLimits, UseCases};
use crate::transport::relay_loop::{self, RelayTiming};

#[cfg(not(any(feature = "mysql", feature = "sqlite")))]
compile_error!("the composition needs a database: build with the feature `mysql` or `sqlite`");

/// How long requests under way may go on after the service was told to stop.
const REQUEST_DRAIN: Duration = Duration::from_secs(3);

/// How long to wait for connections that are still in use when all else has stopped.
const CLOSE_WAIT: Duration = Duration::from_millis(500);

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
    use_cases: Arc<UseCases>,
    limits: HttpLimits,
    relay: Option<(RelayChanges, RelayTiming)>,
    database: Database,
}

/// The adapters of one database that stand behind several ports.
enum Database {
    #[cfg(feature = "mysql")]
    MySql(crate::data_sources::MySqlDatabase),
    #[cfg(feature = "sqlite")]
    Sqlite(crate::data_sources::SqliteDatabase),
}

/// Wires the service. Refuses a database that is not migrated.
///
/// # Errors
///
/// [`StartError`], which names the setting at fault.
pub async fn build(config: UserServiceConfig) -> Result<UserService, StartError> {
    let database = Database::open(&config).await?;
    database.check_schema().await.map_err(unusable("database-url"))?;
    let users = database.users();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids: Arc<dyn IdGenerator> = Arc::new(UuidV7IdGenerator);
    let passwords =
        Arc::new(Argon2PasswordHasher::new(config.password_cost).map_err(|error| StartError::Unusable {
            setting: "password-memory-kib",
            source: Box::new(error),
        })?);
    let use_cases = Arc::new(UseCases {
        register_user: RegisterUser::new(users.clone(), passwords, clock.clone(), ids.clone()),
        get_user: GetUser::new(users.clone()),
        list_users: ListUsers::new(users.clone()),
        update_user: UpdateUser::new(users.clone(), clock.clone(), ids.clone()),
        delete_user: DeleteUser::new(users, clock.clone(), ids),
    });
    let relay = match config.relay {
        Some(relay) => {
            let publisher = publisher(&relay).await?;
            let feed = database.change_feed(relay.poll_interval);
            Some((RelayChanges::new(feed, publisher, clock, relay.batch), relay.timing))
        }
        None => None,
    };
    Ok(UserService { use_cases, limits: config.limits, relay, database })
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
        create_topics(relay).await?;
    }
    Ok(())
}

impl UserService {
    /// The REST API.
    pub fn router(&self) -> Router {
        http::router(Arc::clone(&self.use_cases), self.limits)
    }

    /// Serves the REST API until `shutdown`, then lets the requests under way end, for three seconds at
    /// most.
    pub async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) {
        let server = http::serve(listener, self.router(), self.limits.header_timeout, shutdown.clone());
        let out_of_time = async {
            shutdown.cancelled().await;
            tokio::time::sleep(REQUEST_DRAIN).await;
        };
        tokio::select! {
            () = server => {}
            () = out_of_time => {
                tracing::warn!("requests were still under way and are cut off; what they did not commit is undone");
            }
        }
    }

    /// Relays changes until `shutdown`, then what is committed by then. Returns at once when the service
    /// was built without a relay.
    pub async fn relay(&self, shutdown: CancellationToken) {
        if let Some((relay, timing)) = &self.relay {
            relay_loop::run(relay, *timing, shutdown).await;
        }
    }

    /// Closes the connections to the database. One that waits for the server, for a lock that another
    /// program holds, say, is waited for a moment only and ends with the process.
    pub async fn close(self) {
        if tokio::time::timeout(CLOSE_WAIT, self.database.close()).await.is_err() {
            tracing::warn!("a connection to the database is still in use; what it did not commit is undone");
        }
    }
}

impl Database {
    async fn open(config: &UserServiceConfig) -> Result<Self, StartError> {
        match &config.database {
            #[cfg(feature = "mysql")]
            DatabaseUrl::MySql(url) => {
                use secrecy::ExposeSecret as _;
                crate::data_sources::MySqlDatabase::connect_lazy(url.expose_secret(), config.max_connections)
                    .map(Self::MySql)
                    .map_err(|error| unusable("database-url")(error.into()))
            }
            #[cfg(not(feature = "mysql"))]
            DatabaseUrl::MySql(_) => {
                Err(StartError::NotInThisBuild { setting: "database-url", what: "MySQL", feature: "mysql" })
            }
            #[cfg(feature = "sqlite")]
            DatabaseUrl::Sqlite(path) => crate::data_sources::SqliteDatabase::open(path)
                .await
                .map(Self::Sqlite)
                .map_err(|error| unusable("database-url")(error.into())),
            #[cfg(not(feature = "sqlite"))]
            DatabaseUrl::Sqlite(_) => {
                Err(StartError::NotInThisBuild { setting: "database-url", what: "SQLite", feature: "sqlite" })
            }
        }
    }

    async fn migrate(&self) -> Result<(), AdapterError> {
        match self {
            #[cfg(feature = "mysql")]
            Self::MySql(database) => Ok(database.migrate().await?),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(database) => Ok(database.migrate().await?),
        }
    }

    async fn check_schema(&self) -> Result<(), AdapterError> {
        match self {
            #[cfg(feature = "mysql")]
            Self::MySql(database) => Ok(database.check_schema().await?),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(database) => Ok(database.check_schema().await?),
        }
    }

    fn users(&self) -> Arc<dyn UserRepository> {
        match self {
            #[cfg(feature = "mysql")]
            Self::MySql(database) => {
                Arc::new(crate::data_sources::MySqlUserRepository::new(database.clone()))
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite(database) => {
                Arc::new(crate::data_sources::SqliteUserRepository::new(database.clone()))
            }
        }
    }

    fn change_feed(&self, poll_interval: Duration) -> Arc<dyn ChangeFeed> {
        match self {
            #[cfg(feature = "mysql")]
            Self::MySql(database) => {
                Arc::new(crate::data_sources::MySqlOutboxChangeFeed::new(database.clone(), poll_interval))
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite(database) => {
                Arc::new(crate::data_sources::SqliteOutboxChangeFeed::new(database.clone(), poll_interval))
            }
        }
    }

    async fn close(&self) {
        match self {
            #[cfg(feature = "mysql")]
            Self::MySql(database) => database.close().await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(database) => database.close().await,
        }
    }
}

async fn publisher(relay: &RelayConfig) -> Result<Arc<dyn EventPublisher>, StartError> {
    match &relay.broker {
        #[cfg(feature = "kafka")]
        BrokerUrl::Kafka(brokers) => Ok(Arc::new(crate::data_sources::KafkaEventPublisher::new(
            brokers,
            &relay.topic,
            relay.publish_deadline,
        ))),
        #[cfg(not(feature = "kafka"))]
        BrokerUrl::Kafka(_) => {
            Err(StartError::NotInThisBuild { setting: "broker-url", what: "Kafka", feature: "kafka" })
        }
        #[cfg(feature = "table-broker")]
        BrokerUrl::Table(path) => {
            let broker = table_broker(path, &relay.topic).await?;
            Ok(Arc::new(crate::data_sources::TableBrokerEventPublisher::new(broker, &relay.topic)))
        }
        #[cfg(not(feature = "table-broker"))]
        BrokerUrl::Table(_) => Err(StartError::NotInThisBuild {
            setting: "broker-url",
            what: "table-broker",
            feature: "table-broker",
        }),
    }
}

async fn create_topics(relay: &RelayConfig) -> Result<(), StartError> {
    match &relay.broker {
        #[cfg(feature = "kafka")]
        BrokerUrl::Kafka(brokers) => crate::data_sources::create_missing_topics(
            brokers,
            &[&relay.topic, &shared_kernel::dead_letter_topic(&relay.topic)],
        )
        .await
        .map_err(|error| unusable("broker-url")(error.into())),
        #[cfg(feature = "table-broker")]
        BrokerUrl::Table(path) => table_broker(path, &relay.topic).await.map(drop),
        #[cfg(not(all(feature = "kafka", feature = "table-broker")))]
        _ => publisher(relay).await.map(drop),
    }
}

/// Opens the table-broker with the topics in it: there, nobody else is responsible for them.
#[cfg(feature = "table-broker")]
async fn table_broker(path: &std::path::Path, topic: &str) -> Result<table_broker::TableBroker, StartError> {
    let open = async {
        let broker = table_broker::TableBroker::open_sqlite(path).await?;
        for topic in [topic, &shared_kernel::dead_letter_topic(topic)] {
            broker.create_topic(topic, shared_kernel::CDC_PARTITIONS).await?;
        }
        Ok::<_, AdapterError>(broker)
    };
    open.await.map_err(unusable("broker-url"))
}
