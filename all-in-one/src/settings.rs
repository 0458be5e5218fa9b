//! What the program can be told: every setting as a flag and as an environment variable.

use std::path::PathBuf;

use clap::Parser;
use secrecy::SecretString;
use telemetry::TraceSettings;
use telemetry::logs::LogFormat;

/// Runs user-service and notifier-service in one process on embedded parts: SQLite files, a table as the
/// broker, and a development SMTP server with a mailbox page. For trying things out and for development:
/// it listens on 127.0.0.1 only.
#[derive(Debug, Clone, Parser)]
#[command(name = "all-in-one", version, max_term_width = 100)]
pub struct Settings {
    /// Where the databases are kept; made when it is missing
    #[arg(long, env = "INF_USER_DATA_DIR", default_value = "data", value_name = "FOLDER")]
    pub data_dir: PathBuf,
    /// The port of the REST API; 0 takes any free one, as with the other ports
    #[arg(long, env = "INF_USER_API_PORT", default_value_t = 8080, value_name = "PORT")]
    pub api_port: u16,
    /// The port of the mailbox's page and JSON
    #[arg(long, env = "INF_USER_MAILBOX_PORT", default_value_t = 8025, value_name = "PORT")]
    pub mailbox_port: u16,
    /// The port of the notifier's operator page and API
    #[arg(long, env = "INF_USER_OPERATOR_PORT", default_value_t = 8081, value_name = "PORT")]
    pub operator_port: u16,
    /// The port of the development SMTP server
    #[arg(long, env = "INF_USER_SMTP_PORT", default_value_t = 1025, value_name = "PORT")]
    pub smtp_port: u16,
    /// Send mail to this server instead of the built-in one, which with its mailbox is then not started:
    /// smtp://HOST:PORT, or smtps://USER:PASSWORD@HOST:PORT for implicit TLS
    #[arg(long, env = "INF_USER_SMTP_URL", hide_env_values = true, value_name = "URL")]
    pub smtp_url: Option<SecretString>,
    /// The sender of the mail
    #[arg(
        long,
        env = "INF_USER_MAIL_FROM",
        default_value = "inf-user <accounts@inf-user.example>",
        value_name = "ADDRESS"
    )]
    pub mail_from: String,
    /// What to log: a level (error, warn, info, debug, trace), or a filter such as `info,sqlx=warn`
    #[arg(long, env = "INF_USER_LOG", default_value = "warn", value_name = "FILTER")]
    pub log: String,
    /// What lines of the log look like: json, human, or auto, which is human on a terminal and json elsewhere
    #[arg(long, env = "INF_USER_LOG_FORMAT", default_value = "auto", value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// Where spans go.
    #[command(flatten)]
    pub traces: TraceSettings,
}
