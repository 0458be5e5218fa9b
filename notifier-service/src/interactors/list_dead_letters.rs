use std::sync::Arc;

use super::letters::{LetterFilter, LetterState, Letters, LettersError};
use crate::repositories::{DeadLetterLog, LoggedLetter, OperatorLedger};

/// Shows an operator what lies on the dead-letter topic.
pub struct ListDeadLetters {
    letters: Letters,
}

/// Dead letters, and how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedLetters {
    /// The first of those that fit, with what they are today.
    pub letters: Vec<(LoggedLetter, LetterState)>,
    /// How many fit and are [open](LetterState::Open).
    pub open: u64,
    /// How many fit and are [recorded](LetterState::Recorded).
    pub recorded: u64,
    /// How many fit and are [unreadable](LetterState::Unreadable).
    pub unreadable: u64,
}

impl ListDeadLetters {
    /// Of that topic, beside that ledger.
    pub fn new(log: Arc<dyn DeadLetterLog>, ledger: Arc<dyn OperatorLedger>) -> Self {
        Self { letters: Letters::new(log, ledger) }
    }

    /// Counts what fits, and shows up to `limit` of it: partition by partition, in the order of the places where the
    /// letters came from.
    ///
    /// # Errors
    ///
    /// [`LettersError`].
    pub async fn execute(&self, filter: &LetterFilter, limit: u32) -> Result<ListedLetters, LettersError> {
        let mut listed = ListedLetters::default();
        for partition in self.letters.partitions().await? {
            for letter in self.letters.in_order(partition, filter).await? {
                let state = self.letters.state(&letter).await?;
                match state {
                    LetterState::Open(_) => listed.open += 1,
                    LetterState::Recorded => listed.recorded += 1,
                    LetterState::Unreadable { .. } => listed.unreadable += 1,
                }
                if listed.letters.len() < limit as usize {
                    listed.letters.push((letter, state));
                }
            }
        }
        Ok(listed)
    }
}
