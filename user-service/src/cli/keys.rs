//! The keys that tokens are signed by.

use std::path::{Path, PathBuf};

use clap::Args;
use user_service::config::{ApiConfig, SigningKeys};

use super::secret::secret;
use super::setting_error::SettingError;

#[derive(Args)]
pub(super) struct KeySettings {
    /// Signs access tokens: a random text of at least 32 characters, the same for all replicas. Several keys,
    /// separated by blanks, replace one another: the first signs, all of them verify. For a request that is
    /// repeated with its Idempotency-Key while the first key changes, the first answer is not found
    #[arg(long, env = "USER_SERVICE_SESSION_KEY", hide_env_values = true, value_name = "KEYS")]
    session_key: Option<String>,
    /// A file that holds the session keys, instead of --session-key
    #[arg(long, env = "USER_SERVICE_SESSION_KEY_FILE", value_name = "FILE", conflicts_with = "session_key")]
    session_key_file: Option<PathBuf>,
    /// Verifies the links in mails: the notifier's NOTIFIER_ACTION_TOKEN_KEY, written like the session key
    #[arg(long, env = "USER_SERVICE_ACTION_TOKEN_KEY", hide_env_values = true, value_name = "KEYS")]
    action_token_key: Option<String>,
    /// A file that holds the action token keys, instead of --action-token-key
    #[arg(
        long,
        env = "USER_SERVICE_ACTION_TOKEN_KEY_FILE",
        value_name = "FILE",
        conflicts_with = "action_token_key"
    )]
    action_token_key_file: Option<PathBuf>,
}

impl KeySettings {
    /// The defaults around the keys.
    pub(super) fn config(&self) -> Result<ApiConfig, SettingError> {
        let (session, action_token) = (self.session()?, self.action_token()?);
        if session.shares_a_key_with(&action_token) {
            return Err(SettingError::SameKeys);
        }
        Ok(ApiConfig::new(session, action_token))
    }

    fn session(&self) -> Result<SigningKeys, SettingError> {
        let (flag, variable) = ("session-key", "USER_SERVICE_SESSION_KEY");
        keys(self.session_key.as_deref(), self.session_key_file.as_deref(), flag, variable)
    }

    fn action_token(&self) -> Result<SigningKeys, SettingError> {
        let (flag, variable) = ("action-token-key", "USER_SERVICE_ACTION_TOKEN_KEY");
        keys(self.action_token_key.as_deref(), self.action_token_key_file.as_deref(), flag, variable)
    }
}

fn keys(
    value: Option<&str>,
    file: Option<&Path>,
    flag: &'static str,
    variable: &'static str,
) -> Result<SigningKeys, SettingError> {
    let text = secret(value, file, flag, variable)?;
    SigningKeys::parse(&text).map_err(|source| match file.filter(|_| value.is_none()) {
        Some(file) => SettingError::BadKeyFile { flag, variable, file: file.to_owned(), source },
        None => SettingError::BadKeys { flag, variable, source },
    })
}
