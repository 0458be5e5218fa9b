//! What a campaign is told.

use std::path::PathBuf;
use std::time::Duration;

use crate::servers::Server;

/// The database that the campaign breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// Oracle's MySQL 9.
    MySql,
    /// MariaDB 10.11.
    MariaDb,
}

impl Database {
    pub(crate) fn server(self) -> Server {
        match self {
            Self::MySql => Server::MySql,
            Self::MariaDb => Server::MariaDb,
        }
    }

    /// What the command line calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::MySql => "mysql",
            Self::MariaDb => "mariadb",
        }
    }
}

/// A deliberate defect of the services, which `composition/test_switches` of each has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// The relay acknowledges changes to its feed before the broker has them.
    AcknowledgeBeforePublish,
    /// The notifier stores offsets before the ledger has the mails.
    StoreOffsetBeforeRecord,
    /// The notifier marks mails as sent before they are.
    MarkSentBeforeSending,
    /// user-service commits a change before its event.
    OutboxOutsideTheTransaction,
    /// Notifiers take what another has claimed.
    IgnoreLease,
}

impl Defect {
    /// What the switch is set to.
    pub fn name(self) -> &'static str {
        match self {
            Self::AcknowledgeBeforePublish => "acknowledge-before-publish",
            Self::StoreOffsetBeforeRecord => "store-offset-before-record",
            Self::MarkSentBeforeSending => "mark-sent-before-sending",
            Self::OutboxOutsideTheTransaction => "outbox-outside-the-transaction",
            Self::IgnoreLease => "ignore-lease",
        }
    }
}

/// What a campaign is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the plan is made of.
    pub seed: u64,
    /// How long the load and the faults go on.
    pub length: Duration,
    /// The database.
    pub database: Database,
    /// How the relay captures; `users-table` brings clients that use plain SQL.
    pub capture: String,
    /// The defect that the services are to have.
    pub defect: Option<Defect>,
    /// Where the services' programs are.
    pub binaries: PathBuf,
    /// Where all logs go.
    pub logs: PathBuf,
}

impl Settings {
    /// Whether other programs write to the table of users.
    pub(crate) fn with_sql(&self) -> bool {
        self.capture == "users-table"
    }

    /// What the services are told, whatever servers they use: everything that waits does so for seconds only, so that
    /// much happens in minutes.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables: Vec<_> = [
            ("USER_SERVICE_CAPTURE", self.capture.as_str()),
            ("USER_SERVICE_SESSION_KEY", "fedcba9876543210fedcba9876543210"),
            ("USER_SERVICE_ACTION_TOKEN_KEY", "0123456789abcdef0123456789abcdef"),
            // Hashes that cost little, and clients that have one address.
            ("USER_SERVICE_PASSWORD_MEMORY_KIB", "64"),
            ("USER_SERVICE_RATE_PER_ADDRESS", "0"),
            ("USER_SERVICE_RATE_PER_ACCOUNT", "0"),
            ("USER_SERVICE_REQUEST_TIMEOUT_SECONDS", "8"),
            ("NOTIFIER_ACTION_TOKEN_KEY", "0123456789abcdef0123456789abcdef"),
            ("NOTIFIER_MAIL_FROM", "accounts@inf-user.example"),
            ("NOTIFIER_PUBLIC_URL", "https://accounts.inf-user.example"),
            ("NOTIFIER_SMTP_COMMAND_TIMEOUT_SECONDS", "3"),
            ("NOTIFIER_SMTP_TIMEOUT_SECONDS", "6"),
            ("NOTIFIER_LEASE_SECONDS", "12"),
            ("NOTIFIER_RETRY_FIRST_DELAY_MS", "300"),
            ("NOTIFIER_RETRY_MAX_DELAY_MS", "3000"),
            ("NOTIFIER_OUTAGE_FIRST_PAUSE_MS", "200"),
            ("NOTIFIER_OUTAGE_LONGEST_PAUSE_MS", "2000"),
            // A refusal ends that mail alone.
            ("NOTIFIER_SUPPRESS_SECONDS", "0"),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .into();
        variables
            .extend(self.defect.iter().map(|defect| ("INF_USER_SEEDED_DEFECT", defect.name().to_owned())));
        variables
    }

    /// The command that runs the same campaign again.
    pub fn replay(&self) -> String {
        let Self { seed, database, capture, defect, .. } = self;
        let minutes = self.length.as_secs_f64() / 60.0;
        let defect = defect.map(|defect| format!(" --defect {}", defect.name())).unwrap_or_default();
        format!(
            "cargo run -p system-tests --bin faults -- --seed {seed} --minutes {minutes} --database {} --capture \
             {capture}{defect}",
            database.name()
        )
    }
}
