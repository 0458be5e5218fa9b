//! Adapters of the ports, named by technology and port.

#[cfg(feature = "argon2")]
mod argon2_password_hasher;
#[cfg(feature = "kafka")]
mod kafka_broker_probe;
#[cfg(feature = "kafka")]
mod kafka_event_publisher;
#[cfg(feature = "kafka")]
mod kafka_producer_config;
#[cfg(feature = "kafka")]
mod kafka_topics;
#[cfg(feature = "metrics")]
mod measured_change_feed;
#[cfg(feature = "metrics")]
mod measured_event_publisher;
#[cfg(feature = "mysql")]
mod mysql_answer_repository;
#[cfg(feature = "mysql-binlog")]
mod mysql_binlog;
#[cfg(feature = "mysql")]
mod mysql_change_feed;
#[cfg(feature = "mysql")]
mod mysql_database;
#[cfg(feature = "mysql")]
mod mysql_outbox_backlog;
#[cfg(feature = "mysql")]
mod mysql_password_reset_inbox;
#[cfg(feature = "mysql")]
mod mysql_privileges;
#[cfg(feature = "mysql")]
mod mysql_session_repository;
#[cfg(feature = "mysql")]
mod mysql_user_repository;
#[cfg(feature = "mysql")]
mod mysql_user_transaction;
#[cfg(feature = "system")]
mod os_secret_generator;
#[cfg(feature = "metrics")]
mod outbox_gauges;
#[cfg(any(feature = "kafka", feature = "table-broker"))]
mod overlapping;
#[cfg(any(feature = "mysql", feature = "sqlite"))]
mod requests_only_change_feed;
#[cfg(any(feature = "mysql", feature = "sqlite"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite_answer_repository;
#[cfg(feature = "sqlite")]
mod sqlite_change_feed;
#[cfg(feature = "sqlite")]
mod sqlite_database;
#[cfg(feature = "sqlite")]
mod sqlite_outbox_backlog;
#[cfg(feature = "sqlite")]
mod sqlite_password_reset_inbox;
#[cfg(feature = "sqlite")]
mod sqlite_session_repository;
#[cfg(feature = "sqlite")]
mod sqlite_user_repository;
#[cfg(feature = "sqlite")]
mod sqlite_user_transaction;
#[cfg(feature = "system")]
mod system_clock;
#[cfg(feature = "table-broker")]
mod table_broker_event_publisher;
#[cfg(feature = "table-broker")]
mod table_broker_probe;
#[cfg(feature = "traces")]
mod traced_event_publisher;
#[cfg(feature = "system")]
mod uuid_v7_id_generator;
#[cfg(feature = "zxcvbn")]
mod zxcvbn_password_strength;

#[cfg(feature = "argon2")]
pub use argon2_password_hasher::{Argon2Cost, Argon2PasswordHasher};
#[cfg(feature = "kafka")]
pub use kafka_broker_probe::KafkaBrokerProbe;
#[cfg(feature = "kafka")]
pub use kafka_event_publisher::KafkaEventPublisher;
#[cfg(feature = "kafka")]
pub use kafka_producer_config::kafka_producer_config;
#[cfg(feature = "kafka")]
pub use kafka_topics::create_missing_topics;
#[cfg(feature = "metrics")]
pub use measured_change_feed::MeasuredChangeFeed;
#[cfg(feature = "metrics")]
pub use measured_event_publisher::MeasuredEventPublisher;
#[cfg(feature = "mysql")]
pub use mysql_answer_repository::MySqlAnswerRepository;
#[cfg(feature = "mysql-binlog")]
pub use mysql_binlog::{MySqlBinlogOutboxChangeFeed, MySqlBinlogUsersChangeFeed};
#[cfg(feature = "mysql")]
pub use mysql_change_feed::MySqlOutboxChangeFeed;
#[cfg(feature = "mysql")]
pub use mysql_database::MySqlDatabase;
#[cfg(feature = "mysql")]
pub use mysql_outbox_backlog::MySqlOutboxBacklog;
#[cfg(feature = "mysql")]
pub use mysql_password_reset_inbox::MySqlPasswordResetInbox;
#[cfg(feature = "mysql")]
pub use mysql_session_repository::MySqlSessionRepository;
#[cfg(feature = "mysql")]
pub use mysql_user_repository::MySqlUserRepository;
#[cfg(feature = "system")]
pub use os_secret_generator::OsSecretGenerator;
#[cfg(feature = "metrics")]
pub use outbox_gauges::{watch_dead_outbox, watch_outbox};
#[cfg(any(feature = "mysql", feature = "sqlite"))]
pub use requests_only_change_feed::RequestsOnlyChangeFeed;
#[cfg(any(feature = "mysql", feature = "sqlite"))]
pub use sql::SchemaError;
#[cfg(feature = "sqlite")]
pub use sqlite_answer_repository::SqliteAnswerRepository;
#[cfg(feature = "sqlite")]
pub use sqlite_change_feed::SqliteOutboxChangeFeed;
#[cfg(feature = "sqlite")]
pub use sqlite_database::SqliteDatabase;
#[cfg(feature = "sqlite")]
pub use sqlite_outbox_backlog::SqliteOutboxBacklog;
#[cfg(feature = "sqlite")]
pub use sqlite_password_reset_inbox::SqlitePasswordResetInbox;
#[cfg(feature = "sqlite")]
pub use sqlite_session_repository::SqliteSessionRepository;
#[cfg(feature = "sqlite")]
pub use sqlite_user_repository::SqliteUserRepository;
#[cfg(feature = "system")]
pub use system_clock::SystemClock;
#[cfg(feature = "table-broker")]
pub use table_broker_event_publisher::TableBrokerEventPublisher;
#[cfg(feature = "table-broker")]
pub use table_broker_probe::TableBrokerProbe;
#[cfg(feature = "traces")]
pub use traced_event_publisher::TracedEventPublisher;
#[cfg(feature = "system")]
pub use uuid_v7_id_generator::UuidV7IdGenerator;
#[cfg(feature = "zxcvbn")]
pub use zxcvbn_password_strength::ZxcvbnPasswordStrength;
