use std::time::Duration;

use chrono::{DateTime, Utc};
use shared_kernel::{EventId, UserId};

use super::{LinkLifetimes, NotificationId, NotificationKind, Recipient};

/// A mail as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Its place in the order of recording.
    pub place: i64,
    /// Which mail it is; also its `Message-ID`.
    pub id: NotificationId,
    /// The event that it tells of.
    pub event_id: EventId,
    /// The user whose account it is about.
    pub user_id: UserId,
    /// Which mail it is; perhaps one that only a newer release can write.
    pub kind: String,
    /// Where it goes; `None` once that was erased.
    pub recipient: Option<Recipient>,
    /// What became of it.
    pub state: MailState,
    /// Whether a worker holds it at this moment.
    pub is_being_sent: bool,
    /// How many attempts it used up since it was last put into the queue.
    pub attempts: u32,
    /// How often an operator put it back into the queue.
    pub requeued: u32,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// When it is tried next, while it is queued.
    pub due_at: DateTime<Utc>,
    /// When it was sent, given up or cancelled.
    pub finished_at: Option<DateTime<Utc>>,
    /// Time since the event, by the ledger's clock; `None` when the row does not tell.
    pub since_event: Option<Duration>,
    /// Whether it holds a link.
    pub has_link: bool,
    /// What was said last about it, with the address in it.
    pub last_words: Option<String>,
}

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MailState {
    /// It is to be sent, or being sent.
    Queued,
    /// A mail server accepted it.
    Sent,
    /// It was given up.
    Dead,
    /// An operator took it back.
    Cancelled,
}

/// How many mails there are in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StateCounts {
    /// To be sent, those being sent included.
    pub queued: u64,
    /// Accepted by a mail server.
    pub sent: u64,
    /// Given up.
    pub dead: u64,
    /// Taken back.
    pub cancelled: u64,
}

/// Which mails are meant: those that fit all that is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MailFilter {
    /// In that state.
    pub state: Option<MailState>,
    /// Of that kind.
    pub kind: Option<String>,
    /// About that user's account.
    pub user_id: Option<UserId>,
    /// To exactly that address.
    pub recipient: Option<String>,
    /// The last words about it hold this text.
    pub words: Option<String>,
    /// Put back into the queue fewer times than that.
    pub requeued_less_than: Option<u32>,
}

impl LedgerEntry {
    /// Whether the mail's link counts no more, so that to send it would only mislead.
    pub fn link_has_expired(&self, lifetimes: LinkLifetimes) -> bool {
        let purpose = NotificationKind::from_name(&self.kind).and_then(NotificationKind::purpose);
        let expired = |(purpose, since)| since >= lifetimes.of(purpose);
        self.has_link && purpose.zip(self.since_event).is_some_and(expired)
    }
}

impl MailState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Sent, Self::Dead, Self::Cancelled];

    /// Its name in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

impl StateCounts {
    /// Counts what a ledger found for each state's name.
    pub fn of(found: impl IntoIterator<Item = (String, u64)>) -> Self {
        let mut counts = Self::default();
        for (name, count) in found {
            match MailState::from_name(&name) {
                Some(MailState::Queued) => counts.queued = count,
                Some(MailState::Sent) => counts.sent = count,
                Some(MailState::Dead) => counts.dead = count,
                Some(MailState::Cancelled) => counts.cancelled = count,
                // A newer release's.
                None => {}
            }
        }
        counts
    }
}
