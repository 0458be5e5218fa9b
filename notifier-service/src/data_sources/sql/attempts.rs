use chrono::DateTime;
use thiserror::Error;

use super::unavailable;
use crate::entities::{Attempt, AttemptOutcome, DialogueStage};
use crate::repositories::LedgerError;

/// The columns of an attempt, in the order in which both ledgers select them: `recordedAt` in microseconds since
/// 1970, `outcome`, `stage`, `words`.
pub(in crate::data_sources) type AttemptColumns = (i64, String, Option<String>, Option<String>);

/// What a row holds is not what any release wrote.
#[derive(Debug, Error)]
#[error("an attempt holds {0:?}, which this build does not know")]
struct UnreadableAttempt(AttemptColumns);

/// A row as an entity.
///
/// # Errors
///
/// [`LedgerError::Unavailable`] for a row of a newer release.
pub(in crate::data_sources) fn attempt(columns: AttemptColumns) -> Result<Attempt, LedgerError> {
    read(&columns).ok_or_else(|| unavailable(UnreadableAttempt(columns)))
}

fn read((recorded_at, outcome, stage, words): &AttemptColumns) -> Option<Attempt> {
    let stage = match stage {
        Some(name) => Some(DialogueStage::from_name(name)?),
        None => None,
    };
    Some(Attempt {
        recorded_at: DateTime::from_timestamp_micros(*recorded_at)?,
        outcome: AttemptOutcome::from_name(outcome)?,
        stage,
        words: words.clone(),
    })
}
