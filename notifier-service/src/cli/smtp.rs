use std::path::PathBuf;

use clap::Args;
use notifier_service::data_sources::Authorities;
use secrecy::SecretString;

use super::secret::{secret, text_file};
use super::setting_error::SettingError;

/// What a mail server asks for beside its URL.
#[derive(Args)]
pub(super) struct SmtpSecuritySettings {
    /// The password of the user that --smtp-url names, instead of one in the URL
    #[arg(long, env = "NOTIFIER_SMTP_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    smtp_password: Option<String>,
    /// A file that holds the password, instead of --smtp-password
    #[arg(long, env = "NOTIFIER_SMTP_PASSWORD_FILE", value_name = "FILE", conflicts_with = "smtp_password")]
    smtp_password_file: Option<PathBuf>,
    /// A file with the certificates (PEM) of the authorities that vouch for the mail server, instead of those
    /// that browsers trust
    #[arg(long, env = "NOTIFIER_SMTP_CA_FILE", value_name = "FILE")]
    smtp_ca_file: Option<PathBuf>,
}

impl SmtpSecuritySettings {
    pub(super) fn password(&self) -> Result<Option<SecretString>, SettingError> {
        if self.smtp_password.is_none() && self.smtp_password_file.is_none() {
            return Ok(None);
        }
        let password = secret(
            self.smtp_password.as_deref(),
            self.smtp_password_file.as_deref(),
            "smtp-password",
            "NOTIFIER_SMTP_PASSWORD",
        )?;
        Ok(Some(SecretString::from(password)))
    }

    pub(super) fn authorities(&self) -> Result<Authorities, SettingError> {
        let Some(file) = &self.smtp_ca_file else { return Ok(Authorities::default()) };
        let pem = text_file(file, "smtp-ca-file", "NOTIFIER_SMTP_CA_FILE")?;
        Authorities::parse(&pem).map_err(SettingError::Authorities)
    }
}
