//! The settings of the operator's page, and the operator's command.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use notifier_service::config::OperatorConfig;
use notifier_service::entities::{
    Attempt, DialogueStage, LedgerEntry, LinkLifetimes, MailFilter, MailState, NotificationId, Recipient,
};
use notifier_service::interactors::{OperatorError, RedriveMails, RedriveRequest};
use notifier_service::transport::http::{Operator, OperatorToken};
use shared_kernel::UserId;
use uuid::Uuid;

use super::database::DatabaseSettings;
use super::links::LinkLifetimeSettings;
use super::secret::secret;
use super::setting_error::SettingError;

#[derive(Args)]
pub(super) struct OperatorSettings {
    /// Where the operator's page and API are served, such as 127.0.0.1:8081; nowhere when this is not given. Not for the
    /// public
    #[arg(long, env = "NOTIFIER_OPERATOR_LISTEN", value_name = "ADDRESS:PORT")]
    operator_listen: Option<SocketAddr>,
    /// What an operator logs in with: at least 32 characters that nobody can guess
    #[arg(long, env = "NOTIFIER_OPERATOR_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    operator_token: Option<String>,
    /// A file that holds the token, instead of --operator-token
    #[arg(
        long,
        env = "NOTIFIER_OPERATOR_TOKEN_FILE",
        value_name = "FILE",
        conflicts_with = "operator_token"
    )]
    operator_token_file: Option<PathBuf>,
}

impl OperatorSettings {
    pub(super) fn config(&self) -> Result<Option<OperatorConfig>, SettingError> {
        let Some(listen) = self.operator_listen else { return Ok(None) };
        let (flag, variable) = ("operator-token", "NOTIFIER_OPERATOR_TOKEN");
        let token =
            secret(self.operator_token.as_deref(), self.operator_token_file.as_deref(), flag, variable)?;
        let token = OperatorToken::parse(&token).map_err(SettingError::OperatorToken)?;
        Ok(Some(OperatorConfig { listen, token }))
    }
}

#[derive(Args)]
pub(crate) struct LedgerSettings {
    #[command(flatten)]
    pub(crate) database: DatabaseSettings,
    #[command(flatten)]
    lifetimes: LinkLifetimeSettings,
    #[command(subcommand)]
    command: LedgerCommand,
}

#[derive(Subcommand)]
enum LedgerCommand {
    /// Tells how many mails there are in each state, and the latest that fit
    List {
        #[command(flatten)]
        filter: FilterArgs,
        /// Only mails in this state: queued, sent, dead or cancelled
        #[arg(long, value_parser = state)]
        state: Option<MailState>,
        /// The most mails, up to 200
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
        /// Where the list before ended, as it said
        #[arg(long)]
        cursor: Option<i64>,
    },
    /// Shows one mail, with all that was tried and what servers said
    Show {
        /// Which one
        id: Uuid,
    },
    /// Puts a mail that was sent, given up or cancelled back into the queue
    Resend {
        /// Which one
        id: Uuid,
    },
    /// Takes a mail out of the queue
    Cancel {
        /// Which one
        id: Uuid,
    },
    /// Puts mails that were given up back into the queue, the earliest first
    Redrive {
        #[command(flatten)]
        filter: FilterArgs,
        /// The most mails
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// How many of them become due a second
        #[arg(long, default_value = "10")]
        per_second: NonZeroU32,
        /// Leaves mails that were put back that often already
        #[arg(long, default_value_t = RedriveMails::REQUEUED_LESS_THAN)]
        requeued_less_than: u32,
        /// Does it; without this it only tells what it would do
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Args)]
struct FilterArgs {
    /// Only mails of this kind, such as reset-password
    #[arg(long)]
    kind: Option<String>,
    /// Only mails about this user's account
    #[arg(long, value_name = "UUID")]
    user: Option<Uuid>,
    /// Only mails to exactly this address
    #[arg(long, value_name = "ADDRESS")]
    recipient: Option<String>,
    /// Only mails about which the last words hold this text
    #[arg(long, value_name = "TEXT")]
    words: Option<String>,
}

fn state(name: &str) -> Result<MailState, String> {
    MailState::from_name(name)
        .ok_or_else(|| format!("it must be one of {}", MailState::ALL.map(MailState::as_str).join(", ")))
}

impl FilterArgs {
    fn filter(&self) -> MailFilter {
        MailFilter {
            state: None,
            kind: self.kind.clone(),
            user_id: self.user.map(UserId),
            recipient: self.recipient.clone(),
            words: self.words.clone(),
            requeued_less_than: None,
        }
    }
}

impl LedgerSettings {
    pub(crate) fn links(&self) -> LinkLifetimes {
        self.lifetimes.lifetimes()
    }

    /// Does what was asked for, and says it on standard output.
    pub(crate) async fn execute(&self, operator: &Operator) -> Result<(), OperatorError> {
        match &self.command {
            LedgerCommand::List { filter, state, limit, cursor } => {
                let filter = MailFilter { state: *state, ..filter.filter() };
                let counts = operator.inspect.count().await?;
                println!(
                    "{} queued, {} sent, {} dead, {} cancelled",
                    counts.queued, counts.sent, counts.dead, counts.cancelled
                );
                let page = operator.inspect.list(&filter, *cursor, *limit).await?;
                for entry in &page.entries {
                    println!("{}", line(entry));
                }
                if let Some(next) = page.next {
                    println!("there are earlier ones: --cursor {next}");
                }
            }
            LedgerCommand::Show { id } => {
                let history = operator.inspect.show(NotificationId(*id)).await?;
                println!("{}", line(&history.entry));
                println!("user {}, event {}", history.entry.user_id.0, history.entry.event_id.0);
                for attempt in &history.attempts {
                    println!("{}", tried(attempt));
                }
            }
            LedgerCommand::Resend { id } => {
                println!("{}", line(&operator.resend.execute(NotificationId(*id)).await?));
            }
            LedgerCommand::Cancel { id } => {
                println!("{}", line(&operator.cancel.execute(NotificationId(*id)).await?));
            }
            LedgerCommand::Redrive { filter, limit, per_second, requeued_less_than, yes } => {
                let request = RedriveRequest {
                    filter: MailFilter { requeued_less_than: Some(*requeued_less_than), ..filter.filter() },
                    limit: *limit,
                    per_second: *per_second,
                    is_dry_run: !yes,
                };
                let done = operator.redrive.execute(&request).await?;
                for id in &done.requeued {
                    println!("{id}");
                }
                let what = if *yes { "put back" } else { "would be put back; to do it: --yes" };
                println!(
                    "{} {what}; left: {} with a link that counts no longer, {} with nobody to send to",
                    done.requeued.len(),
                    done.link_expired,
                    done.erased
                );
            }
        }
        Ok(())
    }
}

fn line(entry: &LedgerEntry) -> String {
    let state = if entry.is_being_sent { "being sent" } else { entry.state.as_str() };
    let recipient = entry.recipient.as_ref().map_or("(erased)", Recipient::as_str);
    let words = entry.last_words.as_deref().unwrap_or_default();
    format!(
        "{} {} {state} {} to {recipient} tries={} {words}",
        entry.id,
        entry.recorded_at.format("%Y-%m-%dT%H:%M:%SZ"),
        entry.kind,
        entry.attempts
    )
    .trim_end()
    .to_owned()
}

fn tried(attempt: &Attempt) -> String {
    let stage = attempt.stage.map_or("-", DialogueStage::as_str);
    let words = attempt.words.as_deref().unwrap_or("(erased)");
    format!(
        "{} {} {stage} {words}",
        attempt.recorded_at.format("%Y-%m-%dT%H:%M:%SZ"),
        attempt.outcome.as_str()
    )
}
