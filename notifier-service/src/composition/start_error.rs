use std::error::Error;

use thiserror::Error as ThisError;

#[cfg(not(all(feature = "kafka", feature = "table-broker")))]
use crate::config::BrokerUrl;
#[cfg(not(all(feature = "mysql", feature = "sqlite")))]
use crate::config::DatabaseUrl;
use crate::data_sources::TemplateError;
use crate::interactors::PreviewMailsError;

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

#[cfg(any(feature = "mysql", feature = "sqlite"))]
pub(super) fn not_opened(error: crate::data_sources::OpenError) -> StartError {
    match error {
        crate::data_sources::OpenError::NotMigrated => StartError::NotMigrated,
        error => unusable("database-url", error),
    }
}

pub(super) fn unusable(setting: &'static str, error: impl Into<Box<dyn Error + Send + Sync>>) -> StartError {
    StartError::Unusable { setting, source: error.into() }
}

#[cfg(not(all(feature = "mysql", feature = "sqlite")))]
pub(super) fn no_such_database(database: &DatabaseUrl) -> StartError {
    let (what, feature) = match database {
        DatabaseUrl::MySql(_) => ("MySQL", "mysql"),
        DatabaseUrl::Sqlite(_) => ("SQLite", "sqlite"),
    };
    StartError::NotInThisBuild { setting: "database-url", what, feature }
}

#[cfg(not(all(feature = "kafka", feature = "table-broker")))]
pub(super) fn no_such_broker(broker: &BrokerUrl) -> StartError {
    let (what, feature) = match broker {
        BrokerUrl::Kafka(_) => ("Kafka", "kafka"),
        BrokerUrl::Table(_) => ("table-broker", "table-broker"),
    };
    StartError::NotInThisBuild { setting: "broker-url", what, feature }
}
