use chrono::DateTime;
use shared_kernel::{EventId, UserId};
use thiserror::Error;
use uuid::Uuid;

use super::{elapsed, unavailable};
use crate::entities::{LedgerEntry, MailFilter, MailState, NotificationId, Recipient};
use crate::repositories::{LedgerError, PageStart};

/// The columns of a mail as an operator sees it, in the order in which both ledgers select them: `seq`, `id`, `eventId`,
/// `userId`, `kind`, `recipient`, `state`, whether it is being sent, `attempts`, `requeued`, `recordedAt`, `dueAt` and
/// `finishedAt` in microseconds since 1970, the time since the event in microseconds, whether it has a link, `lastError`.
pub(in crate::data_sources) type EntryColumns = (
    i64,
    Uuid,
    Uuid,
    Uuid,
    String,
    String,
    String,
    i64,
    i64,
    i64,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    i64,
    Option<String>,
);

/// What a row holds is not what any release wrote.
#[derive(Debug, Error)]
#[error("the row of notification {0} holds what this build does not know")]
struct UnreadableEntry(Uuid);

/// A row as an entity.
///
/// # Errors
///
/// [`LedgerError::Unavailable`] for a row in a state of a newer release.
pub(in crate::data_sources) fn entry(columns: EntryColumns) -> Result<LedgerEntry, LedgerError> {
    let id = columns.1;
    read(columns).ok_or_else(|| unavailable(UnreadableEntry(id)))
}

fn read(columns: EntryColumns) -> Option<LedgerEntry> {
    let (
        place,
        id,
        event_id,
        user_id,
        kind,
        recipient,
        state,
        is_being_sent,
        attempts,
        requeued,
        recorded_at,
        due_at,
        finished_at,
        since_event,
        has_link,
        last_words,
    ) = columns;
    Some(LedgerEntry {
        place,
        id: NotificationId(id),
        event_id: EventId(event_id),
        user_id: UserId(user_id),
        kind,
        recipient: (!recipient.is_empty()).then(|| Recipient::new(recipient)),
        state: MailState::from_name(&state)?,
        is_being_sent: is_being_sent != 0,
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        requeued: u32::try_from(requeued).unwrap_or(u32::MAX),
        recorded_at: DateTime::from_timestamp_micros(recorded_at)?,
        due_at: DateTime::from_timestamp_micros(due_at)?,
        finished_at: finished_at.and_then(DateTime::from_timestamp_micros),
        since_event: since_event.map(elapsed),
        has_link: has_link != 0,
        last_words,
    })
}

/// A condition that a value is bound to.
pub(in crate::data_sources) enum Condition<'a> {
    /// A text.
    Text(&'static str, &'a str),
    /// A number.
    Number(&'static str, i64),
    /// An id.
    Id(&'static str, Uuid),
}

/// What a filter and a page ask for, each to be followed by its bound value and a closing bracket.
pub(in crate::data_sources) fn conditions(filter: &MailFilter, from: PageStart) -> Vec<Condition<'_>> {
    let mut conditions = Vec::new();
    if let Some(state) = filter.state {
        conditions.push(Condition::Text("(state = ", state.as_str()));
    }
    if let Some(kind) = &filter.kind {
        conditions.push(Condition::Text("(kind = ", kind));
    }
    if let Some(user) = filter.user_id {
        conditions.push(Condition::Id("(userId = ", user.0));
    }
    if let Some(recipient) = &filter.recipient {
        conditions.push(Condition::Text("(recipient = ", recipient));
    }
    if let Some(words) = &filter.words {
        conditions.push(Condition::Text("INSTR(lastError, ", words));
    }
    if let Some(times) = filter.requeued_less_than {
        conditions.push(Condition::Number("(requeued < ", i64::from(times)));
    }
    match from {
        PageStart::Newest => {}
        PageStart::Before(place) => conditions.push(Condition::Number("(seq < ", place)),
        PageStart::After(place) => conditions.push(Condition::Number("(seq > ", place)),
    }
    conditions
}

/// The order of a page.
pub(in crate::data_sources) fn order(from: PageStart) -> &'static str {
    match from {
        PageStart::Newest | PageStart::Before(_) => " ORDER BY seq DESC LIMIT ",
        PageStart::After(_) => " ORDER BY seq LIMIT ",
    }
}
