use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::letters::{LetterFilter, LetterState, Letters, LettersError};
use super::recording::{Recorded, record};
use crate::entities::{NotificationId, Place};
use crate::repositories::{DeadLetterLog, LoggedLetter, MonotonicClock, NotificationLedger, OperatorLedger};

/// Records the dead letters that can be recorded today, as if they had just come from the topic.
///
/// It writes to no topic, so it cannot set aside again what it read. A letter stays where it lies, whatever became of
/// it; the ledger knows the ids of its mails, so that one that is recorded again mails nobody again.
pub struct RedriveDeadLetters {
    letters: Letters,
    ledger: Arc<dyn NotificationLedger>,
    clock: Arc<dyn MonotonicClock>,
}

/// Which letters, how many and how fast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterRedrive {
    /// Which ones.
    pub filter: LetterFilter,
    /// The most letters that are recorded. What is recorded already or stays does not count, so the same request goes on
    /// with the others.
    pub limit: u32,
    /// How many of them are recorded a second.
    pub per_second: NonZeroU32,
    /// Only tells what would be done.
    pub is_dry_run: bool,
}

/// What was done, or would be. What comes after the limit is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedrivenLetters {
    /// Where the letters lie that were recorded, in that order.
    pub recorded: Vec<Place>,
    /// How many mails they brought that the ledger did not know.
    pub mails: u64,
    /// How many letters were recorded before, or ask for no mail.
    pub known: u64,
    /// How many can still not be read or recorded, by the reason, in words that may be logged.
    pub left: BTreeMap<String, u64>,
}

/// A redrive on its way.
struct Progress {
    started: Duration,
    /// The mails that would be in the ledger were it no dry run.
    would_be_known: HashSet<NotificationId>,
    done: RedrivenLetters,
}

impl RedriveDeadLetters {
    /// The most letters of one redrive.
    pub const MOST: u32 = 100_000;

    /// From that topic into that ledger, through both of its ports.
    pub fn new(
        log: Arc<dyn DeadLetterLog>,
        known: Arc<dyn OperatorLedger>,
        ledger: Arc<dyn NotificationLedger>,
        clock: Arc<dyn MonotonicClock>,
    ) -> Self {
        Self { letters: Letters::new(log, known), ledger, clock }
    }

    /// Records what fits, each letter in a transaction of its own; those of one user in the order of the places where
    /// they came from. Cancelling it leaves those that were recorded.
    ///
    /// # Errors
    ///
    /// [`LettersError`]; some may have been recorded. The same request goes on with the others.
    pub async fn execute(&self, request: &LetterRedrive) -> Result<RedrivenLetters, LettersError> {
        let limit = request.limit.min(Self::MOST) as usize;
        let mut progress = Progress {
            started: self.clock.now(),
            would_be_known: HashSet::new(),
            done: RedrivenLetters::default(),
        };
        for partition in self.letters.partitions().await? {
            for letter in self.letters.in_order(partition, &request.filter).await? {
                if progress.done.recorded.len() == limit {
                    return Ok(progress.done);
                }
                self.redrive(letter, request, &mut progress).await?;
            }
        }
        Ok(progress.done)
    }

    async fn redrive(
        &self,
        letter: LoggedLetter,
        request: &LetterRedrive,
        progress: &mut Progress,
    ) -> Result<(), LettersError> {
        let mut open = match self.letters.state(&letter).await? {
            LetterState::Open(open) => open,
            LetterState::Recorded => Vec::new(),
            LetterState::Unreadable { loggable, .. } => {
                *progress.done.left.entry(loggable).or_default() += 1;
                return Ok(());
            }
        };
        open.retain(|id| !progress.would_be_known.contains(id));
        let mut mails = open.len() as u64;
        if mails > 0 && request.is_dry_run {
            progress.would_be_known.extend(open);
        } else if mails > 0 {
            self.wait_for_turn(progress, request.per_second).await;
            let Recorded { new, unusable } = record(&*self.ledger, &[letter.letter.received]).await?;
            if let Some(refused) = unusable.into_iter().next() {
                *progress.done.left.entry(refused.loggable).or_default() += 1;
                return Ok(());
            }
            mails = new;
        }
        if mails == 0 {
            progress.done.known += 1;
        } else {
            progress.done.recorded.push(letter.place);
            progress.done.mails += mails;
        }
        Ok(())
    }

    async fn wait_for_turn(&self, progress: &Progress, per_second: NonZeroU32) {
        let turn = u32::try_from(progress.done.recorded.len()).unwrap_or(u32::MAX);
        let due = progress.started + Duration::from_secs(1) * turn / per_second.get();
        let early = due.saturating_sub(self.clock.now());
        if !early.is_zero() {
            self.clock.sleep(early).await;
        }
    }
}
