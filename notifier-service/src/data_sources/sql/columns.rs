use std::time::Duration;

use chrono::DateTime;
use shared_kernel::{EventId, Locale, UserField, UserId};
use thiserror::Error;
use uuid::Uuid;

use super::unavailable;
use crate::entities::{
    Claimed, Lease, LeaseToken, Notification, NotificationId, NotificationKind, Recipient,
};
use crate::repositories::LedgerError;

/// How many characters of an error's words a row keeps.
const MAX_WORDS: usize = 1000;

/// The kinds of mail that this build can write, as a list of SQL. A row of another kind is a newer release's:
/// it is left to that, and claims nothing for itself that could go to rows which this build understands.
macro_rules! known_kinds {
    () => {
        "('registered', 'updated', 'deleted', 'confirm-address', 'confirm-new-address', \
          'address-change-requested', 'address-change-stopped', 'account-confirmed', 'address-confirmed', \
          'address-replaced', 'password-changed', 'reset-password')"
    };
}
pub(in crate::data_sources) use known_kinds;

/// The columns of a claimable row, in the order in which both ledgers select them: `id`, `eventId`,
/// `userId`, `kind`, `recipient`, `locale`, `username`, `fullName`, `changed`, `otherAddress`,
/// `securityVersion`, `occurredAt` in microseconds since 1970, `traceparent`, `attempts`, `putOffFor` and the time
/// since the event, both in microseconds.
pub(in crate::data_sources) type ClaimedColumns = (
    Uuid,
    Uuid,
    Uuid,
    String,
    String,
    String,
    String,
    Option<String>,
    String,
    Option<String>,
    Option<i64>,
    Option<i64>,
    Option<String>,
    i64,
    i64,
    Option<i64>,
);

/// What a row holds is not what any release wrote.
#[derive(Debug, Error)]
#[error("the row of notification {id} holds the {column} {found:?}, which this build does not know")]
struct UnreadableRow {
    id: NotificationId,
    column: &'static str,
    found: String,
}

/// A row and the token of its claim as an entity.
///
/// # Errors
///
/// [`LedgerError::Unavailable`] for a row of a newer release: this build must leave it alone.
pub(in crate::data_sources) fn claimed(
    columns: ClaimedColumns,
    token: LeaseToken,
) -> Result<Claimed, LedgerError> {
    let (
        id,
        event_id,
        user_id,
        kind,
        recipient,
        locale,
        username,
        full_name,
        changed,
        other_address,
        security_version,
        occurred_at,
        traceparent,
        attempts,
        age,
        since_event,
    ) = columns;
    let id = NotificationId(id);
    let unreadable = |column, found: &str| unavailable(UnreadableRow { id, column, found: found.to_owned() });
    Ok(Claimed {
        notification: Notification {
            id,
            event_id: EventId(event_id),
            user_id: UserId(user_id),
            kind: NotificationKind::from_name(&kind).ok_or_else(|| unreadable("kind", &kind))?,
            recipient: Recipient::new(recipient),
            locale: Locale::from(locale),
            username,
            full_name,
            changed: serde_json::from_str(&changed).map_err(|_| unreadable("changed", &changed))?,
            other_address: other_address.map(Recipient::new),
            security_version,
            occurred_at: occurred_at.and_then(DateTime::from_timestamp_micros),
            traceparent,
        },
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        age: elapsed(age),
        since_event: since_event.map(elapsed),
        lease: Lease { id, token },
    })
}

/// A time in microseconds; none when it is below zero, since a clock was set back or it is over.
pub(in crate::data_sources) fn elapsed(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// The changed fields as the JSON array that the column holds.
pub(in crate::data_sources) fn changed_to_text(changed: &[UserField]) -> String {
    serde_json::to_string(changed).expect("a list of strings has no failing serializer")
}

/// The first 1000 characters.
pub(in crate::data_sources) fn shortened(words: &str) -> String {
    words.chars().take(MAX_WORDS).collect()
}

/// A duration as the databases' arithmetic takes it, in whole microseconds.
pub(in crate::data_sources) fn micros(duration: Duration) -> i64 {
    // A hundred years: far later than that, MySQL cannot count.
    const LONGEST: u64 = 100 * 365 * 24 * 60 * 60 * 1_000_000;
    let micros = u64::try_from(duration.as_micros()).unwrap_or(LONGEST).min(LONGEST);
    i64::try_from(micros).expect("the longest duration fits into an i64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_a_newer_release_is_left_alone_and_named() {
        let columns: ClaimedColumns = (
            Uuid::from_u128(1),
            Uuid::from_u128(2),
            Uuid::from_u128(3),
            "of-a-newer-release".into(),
            "ada@example.org".into(),
            "en".into(),
            "ada".into(),
            None,
            "[]".into(),
            None,
            None,
            None,
            None,
            0,
            -5,
            None,
        );
        let error = claimed(columns, LeaseToken([0; 16])).unwrap_err();
        let LedgerError::Unavailable(source) = error else { panic!("{error:?}") };
        assert!(source.to_string().contains("kind \"of-a-newer-release\""), "{source}");
    }

    #[test]
    fn every_kind_of_this_build_is_claimed() {
        let names: Vec<_> = NotificationKind::ALL.iter().map(|kind| format!("'{}'", kind.as_str())).collect();
        assert_eq!(known_kinds!(), format!("({})", names.join(", ")));
    }

    #[test]
    fn words_are_cut_between_characters() {
        assert_eq!(shortened(&"🦀".repeat(2000)).chars().count(), 1000);
    }

    #[test]
    fn no_duration_is_too_long_to_be_counted() {
        assert_eq!(micros(Duration::from_millis(2)), 2000);
        assert!(micros(Duration::MAX) > 0);
    }
}
