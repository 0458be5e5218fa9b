//! What carries changes to the topic, and how.

use std::time::Duration;

use clap::{Args, ValueEnum};
use user_service::config::{BrokerUrl, Capture, RelayConfig};

use super::kafka::KafkaSettings;
use super::setting_error::SettingError;

#[derive(Args)]
pub(super) struct BrokerSettings {
    /// How changes are captured [default: outbox-binlog on MySQL and MariaDB, outbox-polled on SQLite]
    #[arg(long, env = "USER_SERVICE_CAPTURE", value_enum)]
    capture: Option<CaptureName>,
    /// How many changes are read at once; up to eight times as many are kept in memory
    #[arg(long, env = "USER_SERVICE_RELAY_BATCH", default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    relay_batch: u16,
    /// How often the outbox is looked at for changes by other processes, in milliseconds; with outbox-polled
    #[arg(long, env = "USER_SERVICE_RELAY_POLL_MS", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    relay_poll_ms: u64,
    /// How long a change may be the oldest that is not published before the process is not ready any more, in seconds
    #[arg(long, env = "USER_SERVICE_STUCK_AFTER_SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    stuck_after_seconds: u64,
    /// The largest event of the binary log that is taken into memory with users-table, in MiB: a compressed transaction is
    /// one event, and is unpacked as a whole
    #[arg(long, env = "USER_SERVICE_RELAY_EVENT_MIB", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    relay_event_mib: u16,
    /// The topic
    #[arg(long, env = "USER_SERVICE_TOPIC", default_value = shared_kernel::CDC_TOPIC)]
    topic: String,
    #[command(flatten)]
    kafka: KafkaSettings,
}

#[derive(Clone, Copy, ValueEnum)]
enum CaptureName {
    /// By reading the outbox again and again
    OutboxPolled,
    /// By following the binary log, with which commits are known within milliseconds
    OutboxBinlog,
    /// By the rows of the table users in the binary log, so that what any other program changes is told as well
    UsersTable,
    /// Requests for a mail alone, beside a Debezium connector that tells the changes: other rows of the outbox are dropped
    OutboxRequests,
}

impl BrokerSettings {
    pub(super) fn config(
        &self,
        url: &str,
        flag: &'static str,
        variable: &'static str,
    ) -> Result<RelayConfig, SettingError> {
        let broker =
            BrokerUrl::parse(url).map_err(|source| SettingError::BadUrl { flag, variable, source })?;
        Ok(RelayConfig {
            kafka: self.kafka.security()?,
            topic: self.topic.clone(),
            capture: self.capture.map(|name| match name {
                CaptureName::OutboxPolled => Capture::OutboxPolled,
                CaptureName::OutboxBinlog => Capture::OutboxBinlog,
                CaptureName::UsersTable => Capture::UsersTable,
                CaptureName::OutboxRequests => Capture::OutboxRequests,
            }),
            batch: self.relay_batch.into(),
            stuck_after: Duration::from_secs(self.stuck_after_seconds),
            poll_interval: Duration::from_millis(self.relay_poll_ms),
            largest_event: usize::from(self.relay_event_mib) * 1024 * 1024,
            ..RelayConfig::new(broker)
        })
    }
}
