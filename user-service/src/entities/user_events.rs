//! What a change of an account says on the topic. The columns of [`UserSnapshot`] are an allow-list.

use chrono::{DateTime, Utc};
use shared_kernel::{
    ChangeSource, EventId, EventMetadata, EventType, Op, UserChange, UserEvent, UserField, UserSnapshot,
};

use super::{ChangeStamp, User};

/// The event of a new account.
pub fn registered(user: &User, traceparent: Option<String>) -> UserEvent {
    let stamp = ChangeStamp { event_id: user.last_event_id, at: user.created_at };
    event(EventType::Registered, user, stamp, traceparent, Op::Create, (None, Some(user)), Vec::new())
}

/// The event of a changed account.
pub fn updated(before: &User, after: &User, traceparent: Option<String>) -> UserEvent {
    let stamp = ChangeStamp { event_id: after.last_event_id, at: after.last_updated };
    let changed = after.differences(before);
    event(EventType::Updated, after, stamp, traceparent, Op::Update, (Some(before), Some(after)), changed)
}

/// The event of somebody's wish for a link to choose a new password.
pub fn password_reset_requested(user: &User, stamp: ChangeStamp, traceparent: Option<String>) -> UserEvent {
    request(EventType::PasswordResetRequested, user, stamp, traceparent)
}

/// The event of the user's wish for another mail with the link that confirms an address.
pub fn confirmation_requested(user: &User, stamp: ChangeStamp, traceparent: Option<String>) -> UserEvent {
    request(EventType::ConfirmationRequested, user, stamp, traceparent)
}

fn request(event_type: EventType, user: &User, stamp: ChangeStamp, traceparent: Option<String>) -> UserEvent {
    let mut event = event(event_type, user, stamp, traceparent, Op::Update, (None, Some(user)), Vec::new());
    event.change.op = None;
    event
}

/// The event of an account that was removed at that moment. Its version is the one that the deletion would have made.
pub fn deleted(user: &User, at: DateTime<Utc>, traceparent: Option<String>) -> UserEvent {
    let stamp = ChangeStamp { event_id: EventId::of_deletion(user.id, user.last_event_id), at };
    let mut event =
        event(EventType::Deleted, user, stamp, traceparent, Op::Delete, (Some(user), None), Vec::new());
    event.change.version += 1;
    event
}

fn event(
    event_type: EventType,
    user: &User,
    stamp: ChangeStamp,
    traceparent: Option<String>,
    op: Op,
    (before, after): (Option<&User>, Option<&User>),
    changed: Vec<UserField>,
) -> UserEvent {
    let ts_ms = stamp.at.timestamp_millis();
    UserEvent {
        metadata: EventMetadata {
            id: stamp.event_id,
            event_type,
            time: stamp.at,
            subject: user.id,
            traceparent,
        },
        change: UserChange {
            op: Some(op),
            before: before.map(snapshot),
            after: after.map(snapshot),
            changed,
            version: user.version,
            security_version: user.security_version,
            source: ChangeSource::outbox(ts_ms),
            ts_ms,
        },
    }
}

fn snapshot(user: &User) -> UserSnapshot {
    UserSnapshot {
        id: user.id,
        username: user.username.as_str().to_owned(),
        email: user.email.as_str().to_owned(),
        pending_email: user.pending_email.as_ref().map(|address| address.as_str().to_owned()),
        full_name: user.full_name.as_ref().map(|name| name.as_str().to_owned()),
        status: user.status,
        locale: user.locale,
    }
}

#[cfg(test)]
mod tests {
    use shared_kernel::AccountStatus;

    use super::*;
    use crate::entities::user::tests::{ada, stamp};
    use crate::entities::{FieldUpdate, PostalAddress, UserUpdate};

    #[test]
    fn a_column_that_must_stay_is_told_by_name_alone() {
        let before = ada(AccountStatus::Confirmed);
        let update = UserUpdate {
            address: FieldUpdate::Set(Some(PostalAddress::parse("1 Secret Lane").unwrap())),
            ..UserUpdate::default()
        };
        let after = before.updated(update, stamp(2)).unwrap();
        let event = updated(&before, &after, None);
        assert_eq!(event.change.changed, [UserField::Address]);
        let record = shared_kernel::encode(&event);
        let value = String::from_utf8(record.value).unwrap();
        assert!(!value.contains("Secret Lane") && !value.contains("argon2"), "{value}");
    }

    #[test]
    fn the_event_of_a_change_has_the_id_that_the_row_remembers() {
        let user = ada(AccountStatus::Unconfirmed);
        assert_eq!(registered(&user, None).metadata.id, user.last_event_id);
    }

    #[test]
    fn a_deletion_has_the_id_that_whoever_sees_the_row_go_can_derive() {
        let user = ada(AccountStatus::Unconfirmed);
        let gone = deleted(&user, stamp(5).at, None);
        assert_eq!(gone.metadata.id, EventId::of_deletion(user.id, user.last_event_id));
        assert_eq!((gone.metadata.time, gone.change.version), (stamp(5).at, user.version + 1));
        assert!(gone.change.after.is_none() && gone.change.before.is_some());
    }
}
