use std::sync::Arc;

use thiserror::Error;

use super::recording::{Recorded, Unusable, record};
use crate::entities::{Place, ReceivedRecord};
use crate::repositories::{DeadLetters, DeadLettersError, LedgerError, NotificationLedger};

/// Turns records of the topic into ledger rows, one a mail to send.
pub struct RecordUserEvents {
    ledger: Arc<dyn NotificationLedger>,
    dead_letters: Arc<dyn DeadLetters>,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordOutcome {
    /// Notifications that the ledger did not know before.
    pub new: u64,
    /// Records that went to the dead letters.
    pub set_aside: Vec<SetAside>,
}

/// A record that went to the dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Where it came from.
    pub place: Place,
    /// Why, in words that may be logged: what the record holds is told by the dead letter alone.
    pub reason: String,
}

/// A batch was not dealt with as a whole. No offset of it may be stored; calling again with the same
/// batch is safe.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The ledger did not take it.
    #[error("the notifications were not recorded")]
    Ledger(#[source] LedgerError),
    /// A record that must be set aside was not.
    #[error("the record {place} was not set aside ({reason})")]
    DeadLetters {
        /// The record.
        place: Place,
        /// Why it must be set aside, in words that may be logged.
        reason: String,
        /// Why it was not.
        #[source]
        source: DeadLettersError,
    },
}

impl RecordError {
    /// Whether calling again can succeed without an operator's help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Ledger(error) => error.is_retryable(),
            Self::DeadLetters { source, .. } => source.is_retryable(),
        }
    }
}

impl RecordUserEvents {
    /// Records into that ledger, and sets aside what never can be.
    pub fn new(ledger: Arc<dyn NotificationLedger>, dead_letters: Arc<dyn DeadLetters>) -> Self {
        Self { ledger, dead_letters }
    }

    /// Deals with a batch in its order, in one ledger transaction.
    ///
    /// When it returns `Ok`, every record is either committed to the ledger or acknowledged by the
    /// dead-letter topic, so the caller may store the batch's offsets. Cancelling it is like an error.
    ///
    /// # Errors
    ///
    /// [`RecordError`]; the same batch may and must be given again.
    pub async fn execute(&self, batch: &[ReceivedRecord]) -> Result<RecordOutcome, RecordError> {
        let Recorded { new, unusable } = record(&*self.ledger, batch).await.map_err(RecordError::Ledger)?;
        let set_aside = self.set_aside(unusable).await?;
        Ok(RecordOutcome { new, set_aside })
    }

    async fn set_aside(&self, unusable: Vec<Unusable>) -> Result<Vec<SetAside>, RecordError> {
        let mut set_aside = Vec::with_capacity(unusable.len());
        for Unusable { letter, loggable: reason } in unusable {
            let stored = self.dead_letters.put(&letter).await;
            let place = letter.received.place;
            match stored {
                Ok(()) => set_aside.push(SetAside { place, reason }),
                Err(source) => return Err(RecordError::DeadLetters { place, reason, source }),
            }
        }
        Ok(set_aside)
    }
}
