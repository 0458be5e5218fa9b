//! The command line: every setting as a flag and as an environment variable.
#![expect(clippy::doc_markdown, reason = "--help shows these texts as they are")]

mod broker;
mod database;
mod dead_letters;
mod delivery;
mod dkim;
mod health;
mod housekeeping;
mod kafka;
mod links;
mod mail_server;
mod mails;
mod operator;
mod run;
mod secret;
mod sending;
mod setting_error;
mod smtp;

use clap::{Parser, Subcommand};
use telemetry::TraceSettings;
use telemetry::logs::{self, LogFormat};

use self::database::DatabaseSettings;
use self::dead_letters::DeadLettersSettings;
use self::health::HealthcheckSettings;
use self::mails::PreviewSettings;
use self::operator::LedgerSettings;
use self::run::RunSettings;
use self::setting_error::SettingError;

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

impl Cli {
    pub(crate) fn start_logging(&self) -> Result<(), SettingError> {
        logs::start(&self.log, self.log_format).map_err(SettingError::Log)
    }
}
