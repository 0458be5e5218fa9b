//! The operator's command for what lies on the dead-letter topic.

use std::num::NonZeroU32;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use notifier_service::config::DeadLettersConfig;
use notifier_service::entities::one_line;
use notifier_service::interactors::{
    LetterFilter, LetterRedrive, LetterState, LettersError, ListDeadLetters, ListedLetters,
    RedriveDeadLetters, RedrivenLetters,
};

use super::broker::BrokerSettings;
use super::database::DatabaseSettings;
use super::setting_error::SettingError;

#[derive(Args)]
pub(crate) struct DeadLettersSettings {
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    broker: BrokerSettings,
    #[command(subcommand)]
    command: DeadLettersCommand,
}

#[derive(Subcommand)]
enum DeadLettersCommand {
    /// Tells how many letters there are, and the first that fit, with what can be done about them today
    List {
        #[command(flatten)]
        filter: FilterArgs,
        /// The most letters
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Records the letters that can be read by now, as if they had just come from the topic. They stay where they are;
    /// what is in the ledger already mails nobody again
    Redrive {
        #[command(flatten)]
        filter: FilterArgs,
        /// The most letters
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=i64::from(RedriveDeadLetters::MOST)))]
        limit: u32,
        /// How many of them are recorded a second
        #[arg(long, visible_alias = "rate", default_value = "10")]
        per_second: NonZeroU32,
        /// Only tells what it would do, as it does without --yes
        #[arg(long, conflicts_with = "yes")]
        dry_run: bool,
        /// Does it; without this it only tells what it would do
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Args)]
struct FilterArgs {
    /// Only letters whose reason holds this text
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only letters set aside then or later, such as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<DateTime<Utc>>,
}

fn time(text: &str) -> Result<DateTime<Utc>, &'static str> {
    let time = DateTime::parse_from_rfc3339(text);
    time.map(|time| time.to_utc()).map_err(|_| "it must be a time such as 2026-01-31T12:00:00Z")
}

impl FilterArgs {
    fn filter(&self) -> LetterFilter {
        LetterFilter { reason: self.reason.clone(), since: self.since }
    }
}

impl DeadLettersSettings {
    pub(crate) fn config(&self) -> Result<DeadLettersConfig, SettingError> {
        Ok(DeadLettersConfig {
            database: self.database.url()?,
            broker: self.broker.url()?,
            kafka: self.broker.kafka()?,
            topic: self.broker.topic.clone(),
        })
    }

    /// Does what was asked for, and says it on standard output.
    pub(crate) async fn execute(
        &self,
        list: &ListDeadLetters,
        redrive: &RedriveDeadLetters,
    ) -> Result<(), LettersError> {
        match &self.command {
            DeadLettersCommand::List { filter, limit } => {
                show(&list.execute(&filter.filter(), *limit).await?);
            }
            DeadLettersCommand::Redrive { filter, limit, per_second, dry_run: _, yes } => {
                let request = LetterRedrive {
                    filter: filter.filter(),
                    limit: *limit,
                    per_second: *per_second,
                    is_dry_run: !yes,
                };
                tell(&redrive.execute(&request).await?, *yes);
            }
        }
        Ok(())
    }
}

fn show(listed: &ListedLetters) {
    let ListedLetters { letters, open, recorded, unreadable } = listed;
    println!("{open} open, {recorded} recorded, {unreadable} unreadable");
    for (letter, state) in letters {
        let state = match state {
            LetterState::Open(_) => "open".to_owned(),
            LetterState::Recorded => "recorded".to_owned(),
            LetterState::Unreadable { reason, .. } => format!("unreadable ({reason})"),
        };
        let time =
            letter.set_aside_at.map_or("-".to_owned(), |at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string());
        let (from, reason) = (&letter.letter.received.place, &letter.letter.reason);
        println!("{}", one_line(&format!("{} {time} from {from} {state}: {reason}", letter.place)));
    }
    let more = open + recorded + unreadable - letters.len() as u64;
    if more > 0 {
        println!("there are {more} more: --limit, --reason or --since");
    }
}

fn tell(done: &RedrivenLetters, is_done: bool) {
    for place in &done.recorded {
        println!("{place}");
    }
    let what = if is_done { "" } else { "; to do it: --yes" };
    let verb = if is_done { "recorded" } else { "would be recorded" };
    println!(
        "{} {verb}, bringing {} mails{what}; left: {} recorded before, {} that cannot be",
        done.recorded.len(),
        done.mails,
        done.known,
        done.left.values().sum::<u64>()
    );
    for (reason, letters) in &done.left {
        println!("{letters} cannot be: {}", one_line(reason));
    }
}
