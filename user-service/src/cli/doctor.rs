//! `user-service doctor`.

use clap::Args;
use user_service::composition::{Finding, Verdict};
use user_service::config::UserServiceConfig;

use super::broker::BrokerSettings;
use super::database::DatabaseSettings;
use super::keys::KeySettings;
use super::setting_error::SettingError;

#[derive(Args)]
pub(crate) struct DoctorSettings {
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    keys: KeySettings,
    /// The broker, to look at all that a relay needs: kafka://HOST:PORT[,HOST:PORT…] or table://PATH
    #[arg(long, env = "USER_SERVICE_BROKER_URL", value_name = "URL")]
    broker_url: Option<String>,
    #[command(flatten)]
    broker: BrokerSettings,
}

impl DoctorSettings {
    pub(crate) fn config(&self) -> Result<UserServiceConfig, SettingError> {
        let mut config = self.database.config()?;
        if let Some(url) = &self.broker_url {
            config.relay = Some(self.broker.config(url, "broker-url", "USER_SERVICE_BROKER_URL")?);
        }
        Ok(config)
    }

    /// What `serve` would say of the keys.
    pub(crate) fn examine_keys(&self) -> Finding {
        let (verdict, says) = match self.keys.config() {
            Ok(_keys) => (Verdict::Fine, "`serve` has its keys".to_owned()),
            // A relay has none.
            Err(error @ SettingError::Missing { .. }) => {
                (Verdict::Attention, format!("`serve` cannot start: {}", shared_kernel::in_words(&error)))
            }
            Err(error) => (Verdict::Wrong, shared_kernel::in_words(&error)),
        };
        Finding { about: "keys", verdict, says }
    }
}

/// A line a finding, the worst last.
pub(crate) fn report(findings: &[Finding]) -> String {
    let mut findings: Vec<_> = findings.iter().collect();
    findings.sort_by_key(|finding| match finding.verdict {
        Verdict::Fine => 0,
        Verdict::Attention => 1,
        Verdict::Wrong => 2,
    });
    findings
        .into_iter()
        .map(|Finding { about, verdict, says }| {
            let verdict = match verdict {
                Verdict::Fine => "ok",
                Verdict::Attention => "look at",
                Verdict::Wrong => "WRONG",
            };
            format!("{verdict:<8}{about:<14}{says}\n")
        })
        .collect()
}
