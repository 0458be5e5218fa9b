use std::sync::Arc;

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::recording::mails_of;
use crate::entities::NotificationId;
use crate::repositories::{DeadLetterLog, DeadLetterLogError, LedgerError, LoggedLetter, OperatorLedger};

/// Which dead letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LetterFilter {
    /// Only those whose reason holds this text.
    pub reason: Option<String>,
    /// Only those set aside then or later. One whose time nobody knows fits.
    pub since: Option<DateTime<Utc>>,
}

/// What a dead letter is today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LetterState {
    /// It can be read, and these of its mails are not in the ledger.
    Open(Vec<NotificationId>),
    /// Its mails are in the ledger, or it asks for none.
    Recorded,
    /// It can still not be read.
    Unreadable {
        /// Why, in words that quote the record.
        reason: String,
        /// Why, in words that may be logged.
        loggable: String,
    },
}

/// Why the dead letters were not dealt with.
#[derive(Debug, Error)]
pub enum LettersError {
    /// They were not read.
    #[error("the dead letters were not read")]
    Log(#[from] DeadLetterLogError),
    /// The ledger did not do its part.
    #[error("the ledger did not do its part")]
    Ledger(#[from] LedgerError),
}

impl LettersError {
    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Log(error) => error.is_retryable(),
            Self::Ledger(error) => error.is_retryable(),
        }
    }
}

impl LetterFilter {
    fn fits(&self, letter: &LoggedLetter) -> bool {
        let has_reason = self.reason.as_ref().is_none_or(|text| letter.letter.reason.contains(text));
        let is_late = match (self.since, letter.set_aside_at) {
            (Some(since), Some(at)) => since <= at,
            _ => true,
        };
        has_reason && is_late
    }
}

/// The dead letters beside what the ledger knows of them.
pub(super) struct Letters {
    log: Arc<dyn DeadLetterLog>,
    ledger: Arc<dyn OperatorLedger>,
}

impl Letters {
    pub(super) fn new(log: Arc<dyn DeadLetterLog>, ledger: Arc<dyn OperatorLedger>) -> Self {
        Self { log, ledger }
    }

    /// A part of the letters after the other, so that no more than one is held at once; all of one user are in the same.
    pub(super) async fn partitions(&self) -> Result<Vec<i32>, LettersError> {
        Ok(self.log.partitions().await?)
    }

    /// The letters of a part that fit, in the order of the places where they came from. A record that was set aside more
    /// than once is there once.
    pub(super) async fn in_order(
        &self,
        partition: i32,
        filter: &LetterFilter,
    ) -> Result<Vec<LoggedLetter>, LettersError> {
        let mut letters = self.log.letters(partition).await?;
        letters.retain(|letter| filter.fits(letter));
        letters.sort_by(|one, other| one.letter.received.place.cmp(&other.letter.received.place));
        letters.dedup_by(|one, other| one.letter.received == other.letter.received);
        Ok(letters)
    }

    /// Whether the ledger will hold what it asks for is known only once it was recorded.
    pub(super) async fn state(&self, letter: &LoggedLetter) -> Result<LetterState, LettersError> {
        let mails = match mails_of(&letter.letter.received) {
            Ok(mails) => mails,
            Err(error) => {
                let (reason, loggable) = (error.in_words(), error.to_string());
                return Ok(LetterState::Unreadable { reason, loggable });
            }
        };
        let mut open = Vec::new();
        for mail in mails {
            if self.ledger.entry(mail.id).await?.is_none() {
                open.push(mail.id);
            }
        }
        Ok(if open.is_empty() { LetterState::Recorded } else { LetterState::Open(open) })
    }
}
