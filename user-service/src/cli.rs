//! The command line: every setting as a flag and as an environment variable.
#![expect(clippy::doc_markdown, reason = "the texts are what --help shows, where brackets would be noise")]

mod access;
mod broker;
mod create_admin;
mod database;
mod doctor;
mod healthcheck;
mod kafka;
mod keys;
mod passwords;
mod relay;
mod secret;
mod serve;
mod setting_error;

use clap::{Parser, Subcommand};
use telemetry::TraceSettings;
use telemetry::logs::{self, LogFormat};

use create_admin::CreateAdminSettings;
use database::DatabaseSettings;
use doctor::DoctorSettings;
use healthcheck::HealthcheckSettings;
use relay::{MigrateSettings, RelaySettings};
use serve::ServeSettings;
pub(crate) use setting_error::SettingError;

/// Keeps people's account data and publishes every change of it.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to log: a level (error, warn, info, debug, trace), or a filter such as `info,sqlx=warn`
    #[arg(long, env = "USER_SERVICE_LOG", default_value = "info", global = true)]
    log: String,
    /// What lines of the log look like: json, human, or auto, which is human on a terminal and json elsewhere
    #[arg(
        long,
        env = "USER_SERVICE_LOG_FORMAT",
        default_value = "auto",
        value_name = "FORMAT",
        global = true
    )]
    log_format: LogFormat,
    #[command(flatten)]
    pub(crate) traces: TraceSettings,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serves the REST API until it gets SIGINT or SIGTERM
    Serve(Box<ServeSettings>),
    /// Publishes committed changes to the topic until it gets SIGINT or SIGTERM
    Relay(RelaySettings),
    /// Brings the database to the version of this build, creates missing topics, and ends
    Migrate(MigrateSettings),
    /// Makes `relay --capture users-table` begin at the present end of the binary log when it next starts, and ends.
    ///
    /// For when the server no longer has what comes behind the relay's stored position, or is another server. What
    /// other programs changed since that position is then told by nobody; what user-service itself changed is, since
    /// it is in the outbox until it is published. A relay that is running begins anew by itself.
    ForgetRelayPosition(DatabaseSettings),
    /// Looks at the settings, the database, the privileges and the broker, says what is wrong with its fix, and ends: with
    /// exit code 1 when the service cannot do its work
    Doctor(Box<DoctorSettings>),
    /// Makes the account of an administrator, who may read and change every account, and ends
    CreateAdmin(CreateAdminSettings),
    /// Asks the `serve` or `relay` beside it whether it is ready, and ends: with exit code 1 when it is not. For containers
    Healthcheck(HealthcheckSettings),
}

impl Cli {
    pub(crate) fn start_logging(&self) -> Result<(), SettingError> {
        logs::start(&self.log, self.log_format).map_err(SettingError::Log)
    }
}
