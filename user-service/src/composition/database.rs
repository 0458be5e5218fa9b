//! The database and the adapters on it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use telemetry::metrics::Connections;

use super::{StartError, unusable};
use crate::config::{DatabaseUrl, UserServiceConfig};
use crate::repositories::{
    AdapterError, AnswerRepository, OutboxBacklog, PasswordResetInbox, SessionRepository, UserRepository,
};

#[cfg(not(any(feature = "mysql", feature = "sqlite")))]
compile_error!("the composition needs a database: build with the feature `mysql` or `sqlite`");

/// The adapters of one database that stand behind several ports.
pub(super) enum Database {
    #[cfg(feature = "mysql")]
    MySql(crate::data_sources::MySqlDatabase),
    #[cfg(feature = "sqlite")]
    Sqlite(crate::data_sources::SqliteDatabase),
}

impl Database {
    pub(super) async fn open(config: &UserServiceConfig) -> Result<Self, StartError> {
        match &config.database {
            #[cfg(feature = "mysql")]
            DatabaseUrl::MySql(url) => {
                use secrecy::ExposeSecret as _;
                crate::data_sources::MySqlDatabase::connect_lazy(url.expose_secret(), config.max_connections)
                    .map(|database| Self::MySql(database.traced(config.tracer.clone())))
                    .map_err(|error| unusable("database-url")(error.into()))
            }
            #[cfg(not(feature = "mysql"))]
            DatabaseUrl::MySql(_) => {
                Err(StartError::NotInThisBuild { setting: "database-url", what: "MySQL", feature: "mysql" })
            }
            #[cfg(feature = "sqlite")]
            DatabaseUrl::Sqlite(path) => crate::data_sources::SqliteDatabase::open(path)
                .await
                .map(|database| Self::Sqlite(database.traced(config.tracer.clone())))
                .map_err(|error| unusable("database-url")(error.into())),
            #[cfg(not(feature = "sqlite"))]
            DatabaseUrl::Sqlite(_) => {
                Err(StartError::NotInThisBuild { setting: "database-url", what: "SQLite", feature: "sqlite" })
            }
        }
    }

    pub(super) async fn migrate(&self) -> Result<(), AdapterError> {
        match self {
            #[cfg(feature = "mysql")]
            Self::MySql(database) => Ok(database.migrate().await?),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(database) => Ok(database.migrate().await?),
        }
    }

    pub(super) async fn check_schema(&self) -> Result<(), AdapterError> {
        match self {
            #[cfg(feature = "mysql")]
            Self::MySql(database) => Ok(database.check_schema().await?),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(database) => Ok(database.check_schema().await?),
        }
    }

    /// What time the database has.
    pub(super) async fn now(&self) -> Result<DateTime<Utc>, AdapterError> {
        match self {
            #[cfg(feature = "mysql")]
            Self::MySql(database) => Ok(database.now().await?),
            // A file has the time of whoever opens it.
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => {
                use crate::repositories::Clock as _;
                Ok(crate::data_sources::SystemClock.now())
            }
        }
    }

    /// The connections to it that this process has.
    pub(super) fn connections(&self) -> Connections {
        match self {
            #[cfg(feature = "mysql")]
            Self::MySql(database) => database.connections(),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(database) => database.connections(),
        }
    }

    /// What the account may not do that a process which relays, or else one that serves, has to.
    pub(super) async fn missing_privileges(
        &self,
        #[cfg_attr(
            not(feature = "mysql"),
            expect(unused_variables, reason = "only a server has accounts with privileges")
        )]
        relays: bool,
    ) -> Result<Vec<&'static str>, AdapterError> {
        match self {
            #[cfg(feature = "mysql")]
            Self::MySql(database) => Ok(database.missing_privileges(relays).await?),
            // A file has no accounts; whoever cannot write it cannot open it.
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Ok(Vec::new()),
        }
    }

    /// How many changes were set aside that can never be published.
    pub(super) async fn count_dead(&self) -> Result<u64, AdapterError> {
        match self {
            #[cfg(feature = "mysql")]
            Self::MySql(database) => Ok(database.count_dead().await?),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(database) => Ok(database.count_dead().await?),
        }
    }

    pub(super) fn users(&self) -> Arc<dyn UserRepository> {
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

    pub(super) fn sessions(&self) -> Arc<dyn SessionRepository> {
        match self {
            #[cfg(feature = "mysql")]
            Self::MySql(database) => {
                Arc::new(crate::data_sources::MySqlSessionRepository::new(database.clone()))
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite(database) => {
                Arc::new(crate::data_sources::SqliteSessionRepository::new(database.clone()))
            }
        }
    }

    pub(super) fn answers(&self) -> Arc<dyn AnswerRepository> {
        match self {
            #[cfg(feature = "mysql")]
            Self::MySql(database) => {
                Arc::new(crate::data_sources::MySqlAnswerRepository::new(database.clone()))
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite(database) => {
                Arc::new(crate::data_sources::SqliteAnswerRepository::new(database.clone()))
            }
        }
    }

    pub(super) fn password_resets(&self) -> Arc<dyn PasswordResetInbox> {
        match self {
            #[cfg(feature = "mysql")]
            Self::MySql(database) => {
                Arc::new(crate::data_sources::MySqlPasswordResetInbox::new(database.clone()))
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite(database) => {
                Arc::new(crate::data_sources::SqlitePasswordResetInbox::new(database.clone()))
            }
        }
    }

    pub(super) fn backlog(&self) -> Arc<dyn OutboxBacklog> {
        match self {
            #[cfg(feature = "mysql")]
            Self::MySql(database) => Arc::new(crate::data_sources::MySqlOutboxBacklog::new(database.clone())),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(database) => {
                Arc::new(crate::data_sources::SqliteOutboxBacklog::new(database.clone()))
            }
        }
    }

    pub(super) async fn close(&self) {
        match self {
            #[cfg(feature = "mysql")]
            Self::MySql(database) => database.close().await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(database) => database.close().await,
        }
    }
}
