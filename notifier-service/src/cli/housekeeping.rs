//! The settings of how long the ledger holds what it knows.

use std::time::Duration;

use clap::Args;
use notifier_service::config::HousekeepingConfig;
use notifier_service::entities::Retention;

#[derive(Args)]
pub(super) struct HousekeepingSettings {
    /// How long the ledger says whom a mail went to and what about, after the mail was sent, given up or cancelled, in
    /// days. What it holds about a user who was deleted goes as soon as all of the user's mails are
    #[arg(long, env = "NOTIFIER_RETENTION_DAYS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3650))]
    retention_days: u64,
    /// How long after that the ledger still recognises the mail's event, so that an event which comes again mails nobody
    /// again, in days. Events that the topic still holds are recognised for as long as it does
    #[arg(long, env = "NOTIFIER_ID_RETENTION_DAYS", default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..=36_500))]
    id_retention_days: u64,
    /// How often the ledger is tidied, in seconds
    #[arg(long, env = "NOTIFIER_HOUSEKEEPING_SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    housekeeping_seconds: u64,
}

impl HousekeepingSettings {
    pub(super) fn config(&self) -> HousekeepingConfig {
        const DAY: u64 = 24 * 60 * 60;
        HousekeepingConfig {
            retention: Retention {
                personal_data: Duration::from_secs(self.retention_days * DAY),
                ids: Duration::from_secs(self.id_retention_days * DAY),
            },
            interval: Duration::from_secs(self.housekeeping_seconds),
        }
    }
}
