//! Who may do how much, and for how long.

use std::time::Duration;

use clap::Args;
use user_service::interactors::SessionPolicy;
use user_service::transport::http::{CorsOrigins, HttpLimits, HttpSettings, RateSettings, TrustedProxies};

use super::setting_error::SettingError;

const DAY_SECONDS: u64 = 24 * 60 * 60;

#[derive(Args)]
pub(super) struct AccessSettings {
    /// How long an access token counts, in minutes
    #[arg(long, env = "USER_SERVICE_ACCESS_TOKEN_MINUTES", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1440))]
    access_token_minutes: u64,
    /// How long after its last refresh a session ends by itself, in days
    #[arg(long, env = "USER_SERVICE_SESSION_DAYS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3650))]
    session_days: u64,
    /// How often one client address may log in, register, ask for a mail or use a link, a minute and a process;
    /// 0 is no limit
    #[arg(long, env = "USER_SERVICE_RATE_PER_ADDRESS", default_value_t = RateSettings::default().per_address_per_minute)]
    rate_per_address: u32,
    /// How often the same may be asked about one account, a minute and a process; 0 is no limit
    #[arg(long, env = "USER_SERVICE_RATE_PER_ACCOUNT", default_value_t = RateSettings::default().per_account_per_minute)]
    rate_per_account: u32,
    /// Proxies in front of the service, whose X-Forwarded-For is believed: addresses or networks, such as
    /// 10.0.0.0/8,127.0.0.1
    #[arg(
        long,
        env = "USER_SERVICE_TRUSTED_PROXIES",
        default_value = "",
        hide_default_value = true,
        value_name = "NETWORKS"
    )]
    trusted_proxies: String,
    /// Web pages that may call the API from a browser: origins such as https://app.example.org, separated by
    /// commas
    #[arg(
        long,
        env = "USER_SERVICE_CORS_ORIGINS",
        default_value = "",
        hide_default_value = true,
        value_name = "ORIGINS"
    )]
    cors_origins: String,
}

impl AccessSettings {
    pub(super) fn sessions(&self) -> SessionPolicy {
        SessionPolicy {
            access_lifetime: Duration::from_secs(self.access_token_minutes * 60),
            idle_lifetime: Duration::from_secs(self.session_days * DAY_SECONDS),
        }
    }

    /// `tells_metrics` where there is no other address for them.
    pub(super) fn http(&self, limits: HttpLimits, tells_metrics: bool) -> Result<HttpSettings, SettingError> {
        Ok(HttpSettings {
            limits,
            rates: RateSettings {
                per_address_per_minute: self.rate_per_address,
                per_account_per_minute: self.rate_per_account,
            },
            trusted_proxies: TrustedProxies::parse(&self.trusted_proxies)
                .map_err(|bad| bad_value("trusted-proxies", "USER_SERVICE_TRUSTED_PROXIES", &bad))?,
            cors_origins: CorsOrigins::parse(&self.cors_origins)
                .map_err(|bad| bad_value("cors-origins", "USER_SERVICE_CORS_ORIGINS", &bad))?,
            tells_metrics,
        })
    }
}

fn bad_value(flag: &'static str, variable: &'static str, bad: &impl ToString) -> SettingError {
    SettingError::BadValue { flag, variable, reason: bad.to_string() }
}
