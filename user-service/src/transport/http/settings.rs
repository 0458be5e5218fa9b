use super::client_address::TrustedProxies;
use super::cors::CorsOrigins;
use super::limits::HttpLimits;
use super::rate_limits::RateSettings;

/// How the API is to be served.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// How much may be asked for at once.
    pub limits: HttpLimits,
    /// How often it may be asked for.
    pub rates: RateSettings,
    /// The proxies that are believed when they say for whom they ask.
    pub trusted_proxies: TrustedProxies,
    /// The origins whose pages may call the API from a browser.
    pub cors_origins: CorsOrigins,
    /// Whether `/metrics` is answered here, for a process that has no other address for it.
    pub tells_metrics: bool,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            limits: HttpLimits::default(),
            rates: RateSettings::default(),
            trusted_proxies: TrustedProxies::default(),
            cors_origins: CorsOrigins::default(),
            tells_metrics: true,
        }
    }
}
