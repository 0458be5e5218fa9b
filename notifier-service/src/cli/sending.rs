use std::num::NonZeroU32;
use std::time::Duration;

use clap::Args;
use notifier_service::config::NotifierConfig;

/// How much is sent, and when the mail server and addresses are left alone.
#[derive(Args)]
pub(super) struct SendingSettings {
    /// The most mails that this process sends in a second; 0 for no limit
    #[arg(long, env = "NOTIFIER_SEND_RATE", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    send_rate: u32,
    /// The first pause after the mail server could not be had, in milliseconds; doubles with each try
    #[arg(long, env = "NOTIFIER_OUTAGE_FIRST_PAUSE_MS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    outage_first_pause_ms: u64,
    /// The longest pause between tries whether the mail server is back, in milliseconds
    #[arg(long, env = "NOTIFIER_OUTAGE_LONGEST_PAUSE_MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    outage_longest_pause_ms: u64,
    /// How long an address that was refused for good gets no mail but security alerts, in seconds; 0 for not at all
    #[arg(long, env = "NOTIFIER_SUPPRESS_SECONDS", default_value_t = 86_400, value_parser = clap::value_parser!(u64).range(0..=31_536_000))]
    suppress_seconds: u64,
}

impl SendingSettings {
    pub(super) fn apply(&self, config: &mut NotifierConfig) {
        config.send_rate = NonZeroU32::new(self.send_rate);
        config.breaker.first_pause = Duration::from_millis(self.outage_first_pause_ms);
        config.breaker.longest_pause = Duration::from_millis(self.outage_longest_pause_ms);
        config.suppress_for = Duration::from_secs(self.suppress_seconds);
    }
}
