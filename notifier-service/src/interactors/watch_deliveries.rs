use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::entities::NotificationId;
use crate::repositories::{LedgerError, LedgerWatch};

/// Sees whether mails that are due are taken up, by this process or another. Whatever holds the workers up, one mail stays
/// the next then.
pub struct WatchDeliveries {
    ledger: Arc<dyn LedgerWatch>,
    stuck_after: Duration,
    /// The next mail when it was last looked, and since when it is.
    next: Mutex<Option<(NotificationId, Duration)>>,
}

/// How it goes with what is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryProgress {
    /// It is taken up, or not for long due.
    Moving,
    /// The next mail could have been taken up for that long.
    Stuck(Duration),
}

impl WatchDeliveries {
    /// Mails are stuck when the same one is the next for longer than that.
    pub fn new(ledger: Arc<dyn LedgerWatch>, stuck_after: Duration) -> Self {
        Self { ledger, stuck_after, next: Mutex::new(None) }
    }

    /// Looks now, which is so long after a moment that is the same for all calls. To be called more often than mails may be
    /// stuck.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] when the ledger cannot be looked at; nothing is known then.
    pub async fn execute(&self, now: Duration) -> Result<DeliveryProgress, LedgerError> {
        let found = self.ledger.next_due().await?.map(|due| due.id);
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = match (found, *next) {
            (Some(found), Some((known, since))) if found == known => Some((known, since)),
            (found, _) => found.map(|id| (id, now)),
        };
        let waited = next.map_or(Duration::ZERO, |(_, since)| now.saturating_sub(since));
        Ok(if waited > self.stuck_after { DeliveryProgress::Stuck(waited) } else { DeliveryProgress::Moving })
    }
}
