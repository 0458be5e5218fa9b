//! The settings of what mails say, and the command that shows them.

use std::path::PathBuf;

use clap::Args;
use notifier_service::config::{MailsConfig, PreviewConfig};
use notifier_service::data_sources::{SmtpSettings, SmtpSettingsError};
use notifier_service::entities::{ActionLinks, BadContact, Contact, PublicUrl};
use secrecy::SecretString;
use shared_kernel::SigningKeys;
use thiserror::Error;

use super::links::LinkLifetimeSettings;

/// What the links of previews are signed with. No service takes them.
const PREVIEW_KEY: &str = "previews-are-signed-with-no-secret";

/// The most characters of a service's name: subjects hold it.
const MAX_SERVICE_NAME: usize = 60;

#[derive(Args)]
pub(super) struct MailsSettings {
    /// What mails call the service. The name in --mail-from when this is not given, or else the host of --public-url
    #[arg(long, env = "NOTIFIER_SERVICE_NAME", value_name = "NAME")]
    service_name: Option<String>,
    /// Whom mails tell their readers to turn to: an address of e-mail, or the https:// URL of a page. The address in
    /// --mail-from when this is not given
    #[arg(long, env = "NOTIFIER_CONTACT", value_name = "ADDRESS_OR_URL")]
    contact: Option<String>,
    /// A folder of templates that take the place of those in the program, such as en/updated.html. It is read at the
    /// start
    #[arg(long, env = "NOTIFIER_TEMPLATES", value_name = "DIR")]
    templates: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct PreviewSettings {
    /// Where every mail in every language is written to; made when it is missing
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// The sender
    #[arg(
        long,
        env = "NOTIFIER_MAIL_FROM",
        default_value = "Example <accounts@example.org>",
        value_name = "ADDRESS"
    )]
    mail_from: String,
    /// Where the links of mails lead to. They are signed with no secret, so no service takes them
    #[arg(
        long,
        env = "NOTIFIER_PUBLIC_URL",
        default_value = "https://accounts.example.org",
        value_name = "URL"
    )]
    public_url: String,
    #[command(flatten)]
    mails: MailsSettings,
    #[command(flatten)]
    lifetimes: LinkLifetimeSettings,
}

/// A setting of what mails say is not usable.
#[derive(Debug, Error)]
pub(crate) enum MailsSettingError {
    #[error("--contact (NOTIFIER_CONTACT)")]
    Contact(#[source] BadContact),
    #[error(
        "--service-name (NOTIFIER_SERVICE_NAME): it must be one line of 1 to {MAX_SERVICE_NAME} characters"
    )]
    ServiceName,
    #[error("--mail-from (NOTIFIER_MAIL_FROM)")]
    MailFrom(#[source] SmtpSettingsError),
    #[error("--public-url (NOTIFIER_PUBLIC_URL)")]
    PublicUrl(#[source] notifier_service::entities::BadPublicUrl),
}

impl MailsSettings {
    /// Changes what was told, and leaves the rest as it is.
    pub(super) fn apply_to(&self, mails: &mut MailsConfig) -> Result<(), MailsSettingError> {
        if let Some(name) = &self.service_name {
            let is_a_line = notifier_service::entities::one_line(name) == *name;
            if name.is_empty() || !is_a_line || name.chars().count() > MAX_SERVICE_NAME {
                return Err(MailsSettingError::ServiceName);
            }
            mails.letterhead.service.clone_from(name);
        }
        if let Some(contact) = &self.contact {
            mails.letterhead.contact = Contact::parse(contact).map_err(MailsSettingError::Contact)?;
        }
        mails.templates.clone_from(&self.templates);
        Ok(())
    }
}

impl PreviewSettings {
    pub(crate) fn config(&self) -> Result<PreviewConfig, MailsSettingError> {
        let nowhere = SecretString::from("smtp://localhost");
        let smtp = SmtpSettings::parse(&nowhere, &self.mail_from).map_err(MailsSettingError::MailFrom)?;
        let public_url = PublicUrl::parse(&self.public_url).map_err(MailsSettingError::PublicUrl)?;
        let keys = SigningKeys::parse(PREVIEW_KEY).expect("the key is long enough");
        let links = ActionLinks::new(public_url, keys, self.lifetimes.lifetimes());
        let mut mails = MailsConfig::of_sender(&smtp, &links);
        self.mails.apply_to(&mut mails)?;
        Ok(PreviewConfig { folder: self.folder.clone(), sender: smtp, links, mails })
    }
}
