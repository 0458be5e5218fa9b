use std::time::Duration;

use clap::Args;
use notifier_service::config::NotifierConfig;
use notifier_service::entities::RetrySchedule;

#[derive(Args)]
pub(super) struct DeliverySettings {
    /// How many delivery workers to run
    #[arg(long, env = "NOTIFIER_WORKERS", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=256))]
    workers: u32,
    /// How many mails a worker sends side by side
    #[arg(long, env = "NOTIFIER_BATCH", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=500))]
    batch: u32,
    /// How long a claim lasts, in seconds: the longest that a crashed worker's mails wait for another one. Must
    /// be more than the SMTP timeout and five seconds
    #[arg(long, env = "NOTIFIER_LEASE_SECONDS", default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    lease_seconds: u64,
    /// The delay after a mail was first put off, in milliseconds; doubles with each further attempt
    #[arg(long, env = "NOTIFIER_RETRY_FIRST_DELAY_MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..=86_400_000))]
    retry_first_delay_ms: u64,
    /// The longest delay between attempts, in milliseconds
    #[arg(long, env = "NOTIFIER_RETRY_MAX_DELAY_MS", default_value_t = 3_600_000, value_parser = clap::value_parser!(u64).range(1..=86_400_000))]
    retry_max_delay_ms: u64,
    /// The age at which a mail that is still put off is given up, in seconds
    #[arg(long, env = "NOTIFIER_MAX_AGE_SECONDS", default_value_t = 259_200, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    max_age_seconds: u64,
    /// How often workers look for what became due or was recorded elsewhere, in milliseconds
    #[arg(long, env = "NOTIFIER_POLL_MS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    poll_ms: u64,
    /// How long mails being sent may take to be done after the signal to stop, in seconds
    #[arg(long, env = "NOTIFIER_DRAIN_SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(0..=3600))]
    drain_seconds: u64,
}

impl DeliverySettings {
    pub(super) fn apply(&self, config: &mut NotifierConfig) {
        config.workers = self.workers;
        config.batch = self.batch;
        config.lease = Duration::from_secs(self.lease_seconds);
        config.retry = RetrySchedule {
            first_delay: Duration::from_millis(self.retry_first_delay_ms),
            max_delay: Duration::from_millis(self.retry_max_delay_ms),
            max_age: Duration::from_secs(self.max_age_seconds),
        };
        config.pace.poll_interval = Duration::from_millis(self.poll_ms);
        config.drain = Duration::from_secs(self.drain_seconds);
    }
}
