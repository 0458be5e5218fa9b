//! The adapters: each is one technology for one port, and a cargo feature of its own.

#[cfg(any(feature = "kafka", feature = "table-broker"))]
mod dead_letter_headers;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "metrics")]
mod ledger_gauges;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "smtp")]
mod smtp;
#[cfg(any(feature = "mysql", feature = "sqlite"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "system")]
mod system;
#[cfg(feature = "table-broker")]
mod table_broker;
#[cfg(feature = "templates")]
mod templates;

#[cfg(feature = "kafka")]
pub use kafka::{KafkaDeadLetterLog, KafkaDeadLetters, KafkaEventHistory, ProducerError};
#[cfg(feature = "metrics")]
pub use ledger_gauges::watch_ledger;
#[cfg(feature = "mysql")]
pub use mysql::MySqlNotificationLedger;
#[cfg(feature = "smtp")]
pub use smtp::{
    Authorities, BadAuthorities, BadDkim, DkimSigner, PreviewFolder, SmtpMailer, SmtpSettings,
    SmtpSettingsError, SmtpTls,
};
#[cfg(any(feature = "mysql", feature = "sqlite"))]
pub use sql::OpenError;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteNotificationLedger;
#[cfg(feature = "system")]
pub use system::{GovernorSendRate, SystemClock, SystemJitter, UnlimitedSendRate, machine_time};
#[cfg(feature = "table-broker")]
pub use table_broker::{TableBrokerDeadLetterLog, TableBrokerDeadLetters, TableBrokerEventHistory};
#[cfg(feature = "templates")]
pub use templates::{MailTemplates, MinijinjaMailRenderer, TemplateError};
