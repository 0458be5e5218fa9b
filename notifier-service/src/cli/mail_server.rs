use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use notifier_service::data_sources::{SmtpSettings, SmtpSettingsError};
use secrecy::SecretString;

use super::dkim::DkimSettings;
use super::secret::secret;
use super::setting_error::SettingError;
use super::smtp::SmtpSecuritySettings;

#[derive(Args)]
pub(super) struct MailSettings {
    /// The mail server: smtp://[USER:PASSWORD@]HOST[:PORT][?tls=required|opportunistic] or
    /// smtps://[USER:PASSWORD@]HOST[:PORT]
    #[arg(long, env = "NOTIFIER_SMTP_URL", hide_env_values = true, value_name = "URL")]
    smtp_url: Option<String>,
    /// A file that holds the mail server's URL, instead of --smtp-url
    #[arg(long, env = "NOTIFIER_SMTP_URL_FILE", value_name = "FILE", conflicts_with = "smtp_url")]
    smtp_url_file: Option<PathBuf>,
    /// The sender, as `accounts@example.org` or `Accounts <accounts@example.org>`; its domain is also that of
    /// Message-IDs and of the EHLO greeting
    #[arg(long, env = "NOTIFIER_MAIL_FROM", value_name = "ADDRESS")]
    mail_from: String,
    /// The longest wait for the answer to one SMTP command, in seconds
    #[arg(long, env = "NOTIFIER_SMTP_COMMAND_TIMEOUT_SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    smtp_command_timeout_seconds: u64,
    /// The longest time for sending one mail, in seconds
    #[arg(long, env = "NOTIFIER_SMTP_TIMEOUT_SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=1800))]
    smtp_timeout_seconds: u64,
    #[command(flatten)]
    security: SmtpSecuritySettings,
    #[command(flatten)]
    dkim: DkimSettings,
}

impl MailSettings {
    pub(super) fn smtp(&self) -> Result<SmtpSettings, SettingError> {
        let (flag, variable) = ("smtp-url", "NOTIFIER_SMTP_URL");
        let url = secret(self.smtp_url.as_deref(), self.smtp_url_file.as_deref(), flag, variable)?;
        let (url, password) = (SecretString::from(url), self.security.password()?);
        let settings = SmtpSettings::parse_with_password(&url, password, &self.mail_from).map_err(
            |source| match source {
                SmtpSettingsError::Url(_) => SettingError::BadMail { flag, variable, source },
                SmtpSettingsError::Password(_) => SettingError::BadMail {
                    flag: "smtp-password",
                    variable: "NOTIFIER_SMTP_PASSWORD",
                    source,
                },
                SmtpSettingsError::From => {
                    SettingError::BadMail { flag: "mail-from", variable: "NOTIFIER_MAIL_FROM", source }
                }
            },
        )?;
        Ok(SmtpSettings {
            authorities: self.security.authorities()?,
            dkim: self.dkim.signer(settings.from.email.domain())?,
            command_timeout: Duration::from_secs(self.smtp_command_timeout_seconds),
            total_timeout: Duration::from_secs(self.smtp_timeout_seconds),
            ..settings
        })
    }
}
