use shared_kernel::{UnreadableRecord, in_words, read_record};

use crate::entities::{Notification, ReceivedRecord, plan};
use crate::repositories::{DeadLetter, LedgerError, NotificationLedger};

/// What became of the records that were to go into the ledger.
pub(super) struct Recorded {
    /// Notifications that the ledger did not know before.
    pub(super) new: u64,
    /// Records that can never be recorded; first those that cannot be read, each group in the order of the batch.
    pub(super) unusable: Vec<Unusable>,
}

/// A record that can never be understood or recorded.
pub(super) struct Unusable {
    pub(super) letter: DeadLetter,
    /// The reason as it may be logged.
    pub(super) loggable: String,
}

/// A record that was understood, with the mails that it asks for.
struct Planned<'a> {
    received: &'a ReceivedRecord,
    notifications: Vec<Notification>,
}

/// The mails that a record asks for: none for one that tells of no change, which is dealt with by having been read.
pub(super) fn mails_of(received: &ReceivedRecord) -> Result<Vec<Notification>, UnreadableRecord> {
    let event = read_record(&received.record)?;
    Ok(event.map(|event| plan(&event)).unwrap_or_default())
}

/// Records a batch in its order, in one ledger transaction where the ledger takes all of it.
///
/// # Errors
///
/// [`LedgerError`], which is never [`LedgerError::Rejected`]; the same batch may be given again.
pub(super) async fn record(
    ledger: &dyn NotificationLedger,
    batch: &[ReceivedRecord],
) -> Result<Recorded, LedgerError> {
    let mut planned = Vec::with_capacity(batch.len());
    let mut recorded = Recorded { new: 0, unusable: Vec::new() };
    for received in batch {
        match mails_of(received) {
            Ok(notifications) => planned.push(Planned { received, notifications }),
            // The causes quote the value, which may be an address.
            Err(error) => recorded.unusable.push(unusable(received, error.in_words(), error.to_string())),
        }
    }
    record_planned(ledger, &planned, &mut recorded).await?;
    Ok(recorded)
}

/// Records everything at once. Only when the ledger refuses for good, halves the batch until the
/// record that it refuses is alone, going left before right so that the order stays.
async fn record_planned(
    ledger: &dyn NotificationLedger,
    planned: &[Planned<'_>],
    recorded: &mut Recorded,
) -> Result<(), LedgerError> {
    let mut open = vec![planned];
    while let Some(part) = open.pop() {
        let notifications: Vec<_> = part.iter().flat_map(|one| one.notifications.iter().cloned()).collect();
        if notifications.is_empty() {
            continue;
        }
        match (ledger.record(&notifications).await, part) {
            (Ok(count), _) => recorded.new += count.new,
            (Err(error @ LedgerError::Rejected(_)), [one]) => {
                let words = in_words(&error);
                recorded.unusable.push(unusable(one.received, words.clone(), words));
            }
            (Err(LedgerError::Rejected(_)), _) => {
                let (left, right) = part.split_at(part.len() / 2);
                open.extend([right, left]);
            }
            (Err(error), _) => return Err(error),
        }
    }
    Ok(())
}

fn unusable(received: &ReceivedRecord, reason: String, loggable: String) -> Unusable {
    Unusable { letter: DeadLetter { received: received.clone(), reason }, loggable }
}
