use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use notifier_service::entities::{ActionLinks, LinkLifetimes, PublicUrl};
use shared_kernel::SigningKeys;

use super::secret::secret;
use super::setting_error::SettingError;

#[derive(Args)]
pub(super) struct LinkSettings {
    /// Where people reach user-service, which the links of mails lead to: http://HOST[:PORT][/PATH] or
    /// https://HOST[:PORT][/PATH]
    #[arg(long, env = "NOTIFIER_PUBLIC_URL", value_name = "URL")]
    public_url: String,
    /// What links are signed with, the same as user-service has: a key of at least 32 characters. While it is
    /// being replaced, the new key and then the old one, separated by a blank or a line break
    #[arg(long, env = "NOTIFIER_ACTION_TOKEN_KEY", hide_env_values = true, value_name = "KEY")]
    action_token_key: Option<String>,
    /// A file that holds the key, instead of --action-token-key
    #[arg(
        long,
        env = "NOTIFIER_ACTION_TOKEN_KEY_FILE",
        value_name = "FILE",
        conflicts_with = "action_token_key"
    )]
    action_token_key_file: Option<PathBuf>,
    #[command(flatten)]
    lifetimes: LinkLifetimeSettings,
}

impl LinkSettings {
    pub(super) fn links(&self) -> Result<ActionLinks, SettingError> {
        let public_url = PublicUrl::parse(&self.public_url).map_err(SettingError::PublicUrl)?;
        let keys = secret(
            self.action_token_key.as_deref(),
            self.action_token_key_file.as_deref(),
            "action-token-key",
            "NOTIFIER_ACTION_TOKEN_KEY",
        )?;
        let keys = SigningKeys::parse(&keys).map_err(SettingError::Keys)?;
        Ok(ActionLinks::new(public_url, keys, self.lifetimes.lifetimes()))
    }
}

// The same for whatever writes links, tells of them, or judges whether one still counts.
#[derive(Args)]
pub(super) struct LinkLifetimeSettings {
    /// How long a link that confirms an address or stops a change of address counts, in hours. A mail whose link counts no
    /// longer is not sent again
    #[arg(long, env = "NOTIFIER_CONFIRM_LINK_HOURS", default_value_t = 48, value_parser = clap::value_parser!(u64).range(1..=720))]
    confirm_link_hours: u64,
    /// How long a link to choose a new password counts, in minutes
    #[arg(long, env = "NOTIFIER_RESET_LINK_MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=1440))]
    reset_link_minutes: u64,
}

impl LinkLifetimeSettings {
    pub(super) fn lifetimes(&self) -> LinkLifetimes {
        LinkLifetimes {
            confirm: Duration::from_secs(self.confirm_link_hours * 60 * 60),
            reset: Duration::from_secs(self.reset_link_minutes * 60),
        }
    }
}
