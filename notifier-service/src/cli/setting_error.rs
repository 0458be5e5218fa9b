//! Settings that stop the start.

use std::path::PathBuf;

use notifier_service::config::{BadKafkaSecurity, BadUrl};
use notifier_service::data_sources::{BadAuthorities, BadDkim, SmtpSettingsError};
use notifier_service::entities::BadPublicUrl;
use shared_kernel::BadKeys;
use telemetry::logs::BadLogFilter;
use thiserror::Error;

use super::mails::MailsSettingError;

/// A setting that stops the start.
#[derive(Debug, Error)]
pub(crate) enum SettingError {
    #[error("--{flag} ({variable})")]
    BadUrl {
        flag: &'static str,
        variable: &'static str,
        #[source]
        source: BadUrl,
    },
    #[error(transparent)]
    Kafka(#[from] BadKafkaSecurity),
    #[error("--{flag} ({variable})")]
    BadMail {
        flag: &'static str,
        variable: &'static str,
        #[source]
        source: SmtpSettingsError,
    },
    #[error("--smtp-ca-file (NOTIFIER_SMTP_CA_FILE)")]
    Authorities(#[source] BadAuthorities),
    #[error("--{flag} ({variable})")]
    Dkim {
        flag: &'static str,
        variable: &'static str,
        #[source]
        source: BadDkim,
    },
    #[error("--public-url (NOTIFIER_PUBLIC_URL)")]
    PublicUrl(#[source] BadPublicUrl),
    #[error("--action-token-key (NOTIFIER_ACTION_TOKEN_KEY)")]
    Keys(#[source] BadKeys),
    #[error("--operator-token (NOTIFIER_OPERATOR_TOKEN)")]
    OperatorToken(#[source] notifier_service::transport::http::BadOperatorToken),
    #[error(transparent)]
    Mails(#[from] MailsSettingError),
    #[error("--{flag} ({variable}) is missing; or give --{flag}-file ({variable}_FILE)")]
    Missing { flag: &'static str, variable: &'static str },
    #[error("--{flag} ({variable}): {} cannot be read", file.display())]
    UnreadableText {
        flag: &'static str,
        variable: &'static str,
        file: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("--{flag}-file ({variable}_FILE): {} cannot be read", file.display())]
    UnreadableFile {
        flag: &'static str,
        variable: &'static str,
        file: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("--log (NOTIFIER_LOG)")]
    Log(#[source] BadLogFilter),
}
