use shared_kernel::{EventType, UserEvent, UserSnapshot};

use super::{Notification, NotificationId, NotificationKind, Recipient};

/// A W3C trace context is 55 characters long today; what is much longer is not one.
const MAX_TRACEPARENT: usize = 128;

/// Which mails an event asks for, in the order that they are to be recorded in.
///
/// The same event always yields the same notifications, with the same ids.
///
/// | event | mail to |
/// |---|---|
/// | registered | the address given |
/// | updated | the address in force after the change |
/// | deleted | the last address in force |
pub fn plan(event: &UserEvent) -> Vec<Notification> {
    let change = &event.change;
    let (kind, user) = match event.metadata.event_type {
        EventType::Registered => (NotificationKind::Registered, change.after.as_ref()),
        EventType::Updated => (NotificationKind::Updated, change.after.as_ref()),
        EventType::Deleted => (NotificationKind::Deleted, change.before.as_ref()),
        // The mails with links are not written yet, and nobody makes these events yet.
        EventType::PasswordResetRequested | EventType::ConfirmationRequested => return Vec::new(),
    };
    user.map(|user| notification(event, kind, user)).into_iter().collect()
}

fn notification(event: &UserEvent, kind: NotificationKind, user: &UserSnapshot) -> Notification {
    let recipient = Recipient::new(user.email.clone());
    Notification {
        id: NotificationId::derive(event.metadata.id, kind, &recipient),
        event_id: event.metadata.id,
        user_id: event.metadata.subject,
        kind,
        recipient,
        locale: user.locale,
        username: user.username.clone(),
        full_name: user.full_name.clone(),
        changed: match kind {
            NotificationKind::Updated => event.change.changed.clone(),
            NotificationKind::Registered | NotificationKind::Deleted => Vec::new(),
        },
        // A malformed trace context is no reason to lose a mail.
        traceparent: event.metadata.traceparent.clone().filter(|context| {
            context.len() <= MAX_TRACEPARENT && context.bytes().all(|byte| byte.is_ascii_graphic())
        }),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use shared_kernel::{
        AccountStatus, ChangeSource, EventId, EventMetadata, Locale, Op, UserChange, UserField, UserId,
    };
    use uuid::Uuid;

    use super::*;

    fn ada(email: &str) -> UserSnapshot {
        UserSnapshot {
            id: UserId(Uuid::from_u128(7)),
            username: "ada".into(),
            email: email.into(),
            pending_email: Some("pending@example.org".into()),
            full_name: Some("Ada Lovelace".into()),
            status: AccountStatus::Confirmed,
            locale: Locale::PtBr,
        }
    }

    fn event(event_type: EventType, before: Option<&str>, after: Option<&str>) -> UserEvent {
        UserEvent {
            metadata: EventMetadata {
                id: EventId(Uuid::from_u128(1)),
                event_type,
                time: DateTime::UNIX_EPOCH,
                subject: UserId(Uuid::from_u128(7)),
                traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
            },
            change: UserChange {
                op: Some(Op::Update),
                before: before.map(ada),
                after: after.map(ada),
                changed: vec![UserField::FullName, UserField::Address],
                version: 2,
                security_version: 1,
                source: ChangeSource::outbox(0),
                ts_ms: 0,
            },
        }
    }

    #[test]
    fn a_registration_is_told_to_the_address_given() {
        let planned = plan(&event(EventType::Registered, None, Some("new@example.org")));
        let [mail] = planned.as_slice() else { panic!("{planned:?}") };
        assert_eq!(mail.kind, NotificationKind::Registered);
        assert_eq!(mail.recipient.as_str(), "new@example.org");
        assert_eq!(mail.locale, Locale::PtBr);
        assert_eq!(mail.changed, []);
    }

    #[test]
    fn an_update_names_the_changed_fields_to_the_address_in_force() {
        let planned = plan(&event(EventType::Updated, Some("old@example.org"), Some("new@example.org")));
        let [mail] = planned.as_slice() else { panic!("{planned:?}") };
        assert_eq!(mail.kind, NotificationKind::Updated);
        assert_eq!(mail.recipient.as_str(), "new@example.org");
        assert_eq!(mail.changed, [UserField::FullName, UserField::Address]);
        assert_eq!(mail.full_name.as_deref(), Some("Ada Lovelace"));
        assert!(mail.traceparent.is_some());
    }

    #[test]
    fn a_deletion_is_told_to_the_last_address_in_force() {
        let planned = plan(&event(EventType::Deleted, Some("old@example.org"), None));
        let [mail] = planned.as_slice() else { panic!("{planned:?}") };
        assert_eq!(mail.kind, NotificationKind::Deleted);
        assert_eq!(mail.recipient.as_str(), "old@example.org");
    }

    #[test]
    fn planning_twice_gives_the_same_ids() {
        let event = event(EventType::Updated, Some("a@example.org"), Some("a@example.org"));
        assert_eq!(plan(&event), plan(&event));
    }

    #[test]
    fn a_trace_context_that_is_none_is_dropped() {
        let mut event = event(EventType::Updated, Some("a@example.org"), Some("a@example.org"));
        for context in ["x".repeat(200), "two\nlines".to_owned()] {
            event.metadata.traceparent = Some(context);
            assert_eq!(plan(&event)[0].traceparent, None);
        }
    }
}
