//! The command line: every setting as a flag and as an environment variable.
#![expect(clippy::doc_markdown, reason = "--help shows these texts as they are")]

mod broker;
mod dead_letters;
mod dkim;
mod health;
mod housekeeping;
mod kafka;
mod mails;
mod operator;
mod sending;
mod smtp;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use notifier_service::config::{BadKafkaSecurity, BadUrl, DatabaseUrl, NotifierConfig};
use notifier_service::data_sources::{BadAuthorities, BadDkim, SmtpSettings, SmtpSettingsError};
use notifier_service::entities::{ActionLinks, BadPublicUrl, LinkLifetimes, PublicUrl, RetrySchedule};
use secrecy::SecretString;
use shared_kernel::{BadKeys, SigningKeys};
use telemetry::TraceSettings;
use telemetry::logs::{self, BadLogFilter, LogFormat};
use thiserror::Error;

use self::broker::BrokerSettings;
use self::dead_letters::DeadLettersSettings;
use self::dkim::DkimSettings;
use self::health::{HealthSettings, HealthcheckSettings};
use self::housekeeping::HousekeepingSettings;
use self::mails::{MailsSettingError, MailsSettings, PreviewSettings};
use self::operator::{LedgerSettings, OperatorSettings};
use self::sending::SendingSettings;
use self::smtp::SmtpSecuritySettings;

/// Tells people by mail about every change of their account.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to log: a level (error, warn, info, debug, trace), or a filter such as `info,sqlx=warn`
    #[arg(long, env = "NOTIFIER_LOG", default_value = "info", global = true)]
    log: String,
    /// What lines of the log look like: json, human, or auto, which is human on a terminal and json elsewhere
    #[arg(long, env = "NOTIFIER_LOG_FORMAT", default_value = "auto", value_name = "FORMAT", global = true)]
    log_format: LogFormat,
    #[command(flatten)]
    pub(crate) traces: TraceSettings,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Records events and delivers mail until it gets SIGINT or SIGTERM
    Run(Box<RunSettings>),
    /// Brings the database to the version of this build, and ends
    Migrate(DatabaseSettings),
    /// Writes every mail in every language into a folder, to be looked at, and ends
    Preview(PreviewSettings),
    /// Looks into the ledger, sends mails again, takes them out of the queue, and ends
    Ledger(LedgerSettings),
    /// Looks at the settings of `run`, the database, the privileges, the broker and the mail server, says what is wrong with its
    /// fix, and ends: with exit code 1 when the notifier cannot do its work. Sends no mail
    Doctor(Box<RunSettings>),
    /// Asks the `run` beside it whether it is ready, and ends: with exit code 1 when it is not. For containers
    Healthcheck(HealthcheckSettings),
    /// Shows the records that were set aside on the dead-letter topic, records what can be by now, and ends
    DeadLetters(DeadLettersSettings),
}

#[derive(Args)]
pub(crate) struct DatabaseSettings {
    /// The ledger's database: mysql://USER:PASSWORD@HOST:PORT/DATABASE (also for MariaDB) or sqlite://PATH
    #[arg(long, env = "NOTIFIER_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<String>,
    /// A file that holds the database URL, instead of --database-url
    #[arg(long, env = "NOTIFIER_DATABASE_URL_FILE", value_name = "FILE", conflicts_with = "database_url")]
    database_url_file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct RunSettings {
    #[command(flatten)]
    database: DatabaseSettings,
    /// The most connections to the database server
    #[arg(long, env = "NOTIFIER_MAX_CONNECTIONS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    max_connections: u32,
    #[command(flatten)]
    broker: BrokerSettings,
    /// The consumer group; replicas of one group share the work
    #[arg(long, env = "NOTIFIER_CONSUMER_GROUP", default_value = "inf-user-notifier")]
    consumer_group: String,
    #[command(flatten)]
    mail: MailSettings,
    #[command(flatten)]
    mails: MailsSettings,
    #[command(flatten)]
    housekeeping: HousekeepingSettings,
    #[command(flatten)]
    operator: OperatorSettings,
    #[command(flatten)]
    health: HealthSettings,
    #[command(flatten)]
    links: LinkSettings,
    #[command(flatten)]
    delivery: DeliverySettings,
    #[command(flatten)]
    sending: SendingSettings,
}

#[derive(Args)]
struct MailSettings {
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

#[derive(Args)]
struct LinkSettings {
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
    /// How long a link that confirms an address or stops a change of address counts, in hours
    #[arg(long, env = "NOTIFIER_CONFIRM_LINK_HOURS", default_value_t = 48, value_parser = clap::value_parser!(u64).range(1..=720))]
    confirm_link_hours: u64,
    /// How long a link to choose a new password counts, in minutes
    #[arg(long, env = "NOTIFIER_RESET_LINK_MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=1440))]
    reset_link_minutes: u64,
}

#[derive(Args)]
struct DeliverySettings {
    /// How many delivery workers to run
    #[arg(long, env = "NOTIFIER_WORKERS", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=256))]
    workers: u32,
    /// How many mails a worker sends side by side
    #[arg(long, env = "NOTIFIER_BATCH", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=500))]
    batch: u32,
    /// How long a claim lasts, in seconds: the longest that a crashed worker's mails wait for another one. Must
    /// be more than the SMTP timeout and five seconds
    #[arg(long, env = "NOTIFIER_LEASE_SECONDS", default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    lease_seconds: u64,
    /// The delay after a mail was first put off, in milliseconds; doubles with each further attempt
    #[arg(long, env = "NOTIFIER_RETRY_FIRST_DELAY_MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..=86_400_000))]
    retry_first_delay_ms: u64,
    /// The longest delay between attempts, in milliseconds
    #[arg(long, env = "NOTIFIER_RETRY_MAX_DELAY_MS", default_value_t = 3_600_000, value_parser = clap::value_parser!(u64).range(1..=86_400_000))]
    retry_max_delay_ms: u64,
    /// The age at which a mail that is still put off is given up, in seconds
    #[arg(long, env = "NOTIFIER_MAX_AGE_SECONDS", default_value_t = 259_200, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    max_age_seconds: u64,
    /// How often workers look for what became due or was recorded elsewhere, in milliseconds
    #[arg(long, env = "NOTIFIER_POLL_MS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    poll_ms: u64,
    /// How long mails being sent may take to be done after the signal to stop, in seconds
    #[arg(long, env = "NOTIFIER_DRAIN_SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(0..=3600))]
    drain_seconds: u64,
}

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

impl Cli {
    pub(crate) fn start_logging(&self) -> Result<(), SettingError> {
        logs::start(&self.log, self.log_format).map_err(SettingError::Log)
    }
}

impl DatabaseSettings {
    pub(crate) fn url(&self) -> Result<DatabaseUrl, SettingError> {
        let (flag, variable) = ("database-url", "NOTIFIER_DATABASE_URL");
        let url = secret(self.database_url.as_deref(), self.database_url_file.as_deref(), flag, variable)?;
        DatabaseUrl::parse(&url).map_err(|source| SettingError::BadUrl { flag, variable, source })
    }
}

impl RunSettings {
    pub(crate) fn config(&self) -> Result<NotifierConfig, SettingError> {
        let delivery = &self.delivery;
        let (database, broker) = (self.database.url()?, self.broker.url()?);
        let mut config = NotifierConfig::new(database, broker, self.mail.smtp()?, self.links.links()?);
        self.mails.apply_to(&mut config.mails)?;
        config.housekeeping = self.housekeeping.config();
        config.operator = self.operator.config()?;
        self.health.apply(&mut config);
        config.max_connections = self.max_connections;
        config.kafka = self.broker.kafka()?;
        config.consumer_group.clone_from(&self.consumer_group);
        config.topic.clone_from(&self.broker.topic);
        config.workers = delivery.workers;
        config.batch = delivery.batch;
        config.lease = Duration::from_secs(delivery.lease_seconds);
        config.retry = RetrySchedule {
            first_delay: Duration::from_millis(delivery.retry_first_delay_ms),
            max_delay: Duration::from_millis(delivery.retry_max_delay_ms),
            max_age: Duration::from_secs(delivery.max_age_seconds),
        };
        config.pace.poll_interval = Duration::from_millis(delivery.poll_ms);
        config.drain = Duration::from_secs(delivery.drain_seconds);
        self.sending.apply(&mut config);
        Ok(config)
    }
}

impl MailSettings {
    fn smtp(&self) -> Result<SmtpSettings, SettingError> {
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

impl LinkSettings {
    fn links(&self) -> Result<ActionLinks, SettingError> {
        let public_url = PublicUrl::parse(&self.public_url).map_err(SettingError::PublicUrl)?;
        let keys = secret(
            self.action_token_key.as_deref(),
            self.action_token_key_file.as_deref(),
            "action-token-key",
            "NOTIFIER_ACTION_TOKEN_KEY",
        )?;
        let keys = SigningKeys::parse(&keys).map_err(SettingError::Keys)?;
        let lifetimes = LinkLifetimes {
            confirm: Duration::from_secs(self.confirm_link_hours * 60 * 60),
            reset: Duration::from_secs(self.reset_link_minutes * 60),
        };
        Ok(ActionLinks::new(public_url, keys, lifetimes))
    }
}

/// A secret, given directly or in a file, whose last line break does not belong to it.
fn secret(
    value: Option<&str>,
    file: Option<&Path>,
    flag: &'static str,
    variable: &'static str,
) -> Result<String, SettingError> {
    match (value, file) {
        (Some(value), _) => Ok(value.to_owned()),
        (None, Some(file)) => std::fs::read_to_string(file)
            .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
            .map_err(|source| SettingError::UnreadableFile { flag, variable, file: file.to_owned(), source }),
        (None, None) => Err(SettingError::Missing { flag, variable }),
    }
}

/// What a file holds that is given by name alone.
fn text_file(file: &Path, flag: &'static str, variable: &'static str) -> Result<String, SettingError> {
    std::fs::read_to_string(file).map_err(|source| SettingError::UnreadableText {
        flag,
        variable,
        file: file.to_owned(),
        source,
    })
}
