use std::path::PathBuf;

use clap::Args;
use notifier_service::data_sources::{BadDkim, DkimSigner};
use secrecy::SecretString;

use super::secret::secret;
use super::setting_error::SettingError;

/// The signature that shows readers' mail servers whose mail this is.
#[derive(Args)]
pub(super) struct DkimSettings {
    /// The private key that mails are signed with (DKIM), as PEM: RSA or Ed25519. Without one they are not signed
    #[arg(long, env = "NOTIFIER_DKIM_KEY", hide_env_values = true, value_name = "PEM")]
    dkim_key: Option<String>,
    /// A file that holds the key, instead of --dkim-key
    #[arg(long, env = "NOTIFIER_DKIM_KEY_FILE", value_name = "FILE", conflicts_with = "dkim_key")]
    dkim_key_file: Option<PathBuf>,
    /// The selector of the key: its public half is the TXT record SELECTOR._domainkey.DOMAIN
    #[arg(long, env = "NOTIFIER_DKIM_SELECTOR", value_name = "SELECTOR")]
    dkim_selector: Option<String>,
    /// The domain that signs; by default that of --mail-from
    #[arg(long, env = "NOTIFIER_DKIM_DOMAIN", value_name = "DOMAIN")]
    dkim_domain: Option<String>,
}

impl DkimSettings {
    pub(super) fn signer(&self, senders_domain: &str) -> Result<Option<DkimSigner>, SettingError> {
        let key = (self.dkim_key.as_deref(), self.dkim_key_file.as_deref());
        if key == (None, None) && self.dkim_selector.is_none() && self.dkim_domain.is_none() {
            return Ok(None);
        }
        let key = secret(key.0, key.1, "dkim-key", "NOTIFIER_DKIM_KEY")?;
        let selector = self.dkim_selector.as_deref().unwrap_or_default();
        let domain = self.dkim_domain.as_deref().unwrap_or(senders_domain);
        DkimSigner::parse(&SecretString::from(key), selector, domain).map(Some).map_err(|source| {
            let (flag, variable) = match source {
                BadDkim::Key => ("dkim-key", "NOTIFIER_DKIM_KEY"),
                BadDkim::Selector => ("dkim-selector", "NOTIFIER_DKIM_SELECTOR"),
                BadDkim::Domain => ("dkim-domain", "NOTIFIER_DKIM_DOMAIN"),
            };
            SettingError::Dkim { flag, variable, source }
        })
    }
}
