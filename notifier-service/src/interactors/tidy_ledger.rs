use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use thiserror::Error;

use crate::entities::Retention;
use crate::repositories::{EventHistory, EventHistoryError, LedgerError, LedgerRetention};

/// How far the clocks of the database and of the broker may be apart.
const CLOCKS_APART: TimeDelta = TimeDelta::days(1);

/// Takes out of the ledger what it need not hold any longer, a little at a time. Any number of processes may do so side by
/// side.
pub struct TidyLedger {
    ledger: Arc<dyn LedgerRetention>,
    history: Arc<dyn EventHistory>,
    retention: Retention,
}

/// What one step has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tidied {
    /// Rows of users who are gone that say nothing about a person any more.
    pub of_deleted_users: u64,
    /// Rows that say nothing about a person any more because of their age.
    pub erased: u64,
    /// Rows that are gone.
    pub forgotten: u64,
    /// Whether rows were old enough to be forgotten, and stay because the topic could bring their events again.
    pub still_on_the_topic: bool,
}

/// A step was not done as a whole; the next one goes on.
#[derive(Debug, Error)]
pub enum TidyError {
    /// The ledger did not do its part.
    #[error("the ledger was not tidied")]
    Ledger(#[source] LedgerError),
    /// Nobody knows what could come again, so nothing is forgotten.
    #[error("nothing was forgotten")]
    History(#[source] EventHistoryError),
}

impl Tidied {
    /// Whether there may be more to do.
    pub fn is_some(&self) -> bool {
        self.of_deleted_users + self.erased + self.forgotten > 0
    }
}

impl TidyLedger {
    /// The most rows of one transaction.
    const BATCH: u32 = 200;

    /// Keeps that for so long.
    pub fn new(
        ledger: Arc<dyn LedgerRetention>,
        history: Arc<dyn EventHistory>,
        retention: Retention,
    ) -> Self {
        Self { ledger, history, retention }
    }

    /// Does one step; nothing done means that nothing is left. Cancelling undoes what was not committed yet.
    ///
    /// # Errors
    ///
    /// [`TidyError`].
    pub async fn execute(&self) -> Result<Tidied, TidyError> {
        let of_deleted_users =
            self.ledger.erase_deleted_users(Self::BATCH).await.map_err(TidyError::Ledger)?;
        let erased = self
            .ledger
            .erase_finished(self.retention.personal_data, Self::BATCH)
            .await
            .map_err(TidyError::Ledger)?;
        let mut tidied = Tidied { of_deleted_users, erased, ..Tidied::default() };

        let ids = self.retention.ids;
        let latest = self.ledger.latest_to_forget(ids, Self::BATCH).await.map_err(TidyError::Ledger)?;
        if let Some(latest) = latest {
            if self.history.reaches_before(with_margin(latest)).await.map_err(TidyError::History)? {
                tidied.still_on_the_topic = true;
            } else {
                let forgotten = self.ledger.forget(ids, latest, Self::BATCH);
                tidied.forgotten = forgotten.await.map_err(TidyError::Ledger)?;
            }
        }
        Ok(tidied)
    }
}

fn with_margin(time: DateTime<Utc>) -> DateTime<Utc> {
    time.checked_add_signed(CLOCKS_APART).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
