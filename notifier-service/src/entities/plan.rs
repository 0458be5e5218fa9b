use shared_kernel::{AccountStatus, EventType, UserEvent, UserField, UserSnapshot};

use super::plan_update::plan_update;
use super::{Notification, NotificationId, NotificationKind, Recipient};

/// A W3C trace context is 55 characters long today; what is much longer is not one.
const MAX_TRACEPARENT: usize = 128;

/// Which mails an event asks for, in the order that they are to be recorded in.
///
/// The same event always yields the same notifications, with the same ids.
///
/// | event | mail | to |
/// |---|---|---|
/// | registered | `registered`, with a link while the account is unconfirmed | the address given |
/// | updated: new address, account unconfirmed | `confirm-address` (link) | the new address; the old one gets none |
/// | updated: new pending address | `confirm-new-address` (link) | the pending address |
/// | | `address-change-requested` (link to stop it) | the address in force |
/// | updated: pending address called off | `address-change-stopped` | the address in force |
/// | updated: new address, account confirmed | `address-confirmed` | the new address |
/// | | `address-replaced` | the former address, if it was confirmed |
/// | updated: account confirmed, same address | `account-confirmed` | the address in force |
/// | updated: password | `password-changed` | the address in force |
/// | updated: anything else | `updated`, which names it | the address in force |
/// | deleted | `deleted` | the last address in force |
/// | password reset requested | `reset-password` (link) | the address in force |
/// | confirmation requested | `confirm-new-address` (link) | the pending address, if there is one |
/// | | `address-change-requested` (link) | the address in force, if there is a pending one |
/// | | `confirm-address` (link) | else the address in force while unconfirmed, else nobody |
pub fn plan(event: &UserEvent) -> Vec<Notification> {
    let change = &event.change;
    let current = change.current();
    let mails = match event.metadata.event_type {
        EventType::Registered => to_address_in_force(NotificationKind::Registered, current),
        EventType::Updated => match (&change.before, &change.after) {
            (Some(before), Some(after)) => plan_update(before, after, &change.changed),
            _ => to_address_in_force(NotificationKind::Updated, current)
                .into_iter()
                .map(|mail| mail.naming(change.changed.clone()))
                .collect(),
        },
        EventType::Deleted => to_address_in_force(NotificationKind::Deleted, current),
        EventType::PasswordResetRequested => to_address_in_force(NotificationKind::ResetPassword, current),
        EventType::ConfirmationRequested => current.map_or_else(Vec::new, to_be_confirmed),
    };
    mails.into_iter().map(|mail| mail.about(event)).collect()
}

fn to_address_in_force(kind: NotificationKind, user: Option<&UserSnapshot>) -> Vec<Draft<'_>> {
    user.map(|user| Draft::new(kind, user, &user.email)).into_iter().collect()
}

/// The mail to the address that awaits confirmation, where there is one. A new link for a change of the address goes with
/// a new link that stops it, so that nobody outwaits the owner of the address in force.
fn to_be_confirmed(user: &UserSnapshot) -> Vec<Draft<'_>> {
    match (&user.pending_email, user.status) {
        (Some(pending), _) => vec![
            Draft::new(NotificationKind::ConfirmNewAddress, user, pending),
            Draft::new(NotificationKind::AddressChangeRequested, user, &user.email).beside(pending),
        ],
        (None, AccountStatus::Unconfirmed) => {
            vec![Draft::new(NotificationKind::ConfirmAddress, user, &user.email)]
        }
        (None, AccountStatus::Confirmed) => Vec::new(),
    }
}

/// A mail that an event asks for, without what it has from the event itself.
pub(super) struct Draft<'a> {
    pub(super) kind: NotificationKind,
    pub(super) user: &'a UserSnapshot,
    pub(super) recipient: &'a str,
    pub(super) other_address: Option<&'a str>,
    pub(super) changed: Vec<UserField>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(kind: NotificationKind, user: &'a UserSnapshot, recipient: &'a str) -> Self {
        Self { kind, user, recipient, other_address: None, changed: Vec::new() }
    }

    /// Tells of that address too.
    pub(super) fn beside(self, other_address: &'a str) -> Self {
        Self { other_address: Some(other_address), ..self }
    }

    /// Names those fields.
    pub(super) fn naming(self, changed: Vec<UserField>) -> Self {
        Self { changed, ..self }
    }

    fn has_link(&self) -> bool {
        let is_welcome_without =
            self.kind == NotificationKind::Registered && self.user.status == AccountStatus::Confirmed;
        self.kind.purpose().is_some() && !is_welcome_without
    }

    /// Whether the mail goes to an address before its owner has shown that they want any. They are addressed by the
    /// username, which has no room for words of somebody else's.
    fn is_to_stranger(&self) -> bool {
        match self.kind {
            NotificationKind::ConfirmAddress | NotificationKind::ConfirmNewAddress => true,
            NotificationKind::Registered | NotificationKind::Deleted => {
                self.user.status == AccountStatus::Unconfirmed
            }
            _ => false,
        }
    }

    fn about(self, event: &UserEvent) -> Notification {
        let recipient = Recipient::new(self.recipient);
        Notification {
            id: NotificationId::derive(event.metadata.id, self.kind, &recipient),
            event_id: event.metadata.id,
            user_id: event.metadata.subject,
            kind: self.kind,
            recipient,
            locale: self.user.locale,
            username: self.user.username.clone(),
            full_name: self.user.full_name.clone().filter(|_| !self.is_to_stranger()),
            other_address: self.other_address.map(Recipient::new),
            security_version: self.has_link().then_some(event.change.security_version),
            occurred_at: Some(event.metadata.time),
            changed: self.changed,
            // A malformed trace context is no reason to lose a mail.
            traceparent: event.metadata.traceparent.clone().filter(|context| {
                context.len() <= MAX_TRACEPARENT && context.bytes().all(|byte| byte.is_ascii_graphic())
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::DateTime;
    use proptest::prelude::*;
    use shared_kernel::{ChangeSource, EventId, EventMetadata, Locale, UserChange, UserId};
    use uuid::Uuid;

    use super::*;
    use AccountStatus::{Confirmed, Unconfirmed};

    const SECURITY_VERSION: i64 = 3;

    fn ada(email: &str, pending: Option<&str>, status: AccountStatus) -> UserSnapshot {
        UserSnapshot {
            id: UserId(Uuid::from_u128(7)),
            username: "ada".into(),
            email: email.into(),
            pending_email: pending.map(str::to_owned),
            full_name: Some("Ada Lovelace".into()),
            status,
            locale: Locale::PtBr,
        }
    }

    fn event(
        event_type: EventType,
        before: Option<UserSnapshot>,
        after: Option<UserSnapshot>,
        changed: &[UserField],
    ) -> UserEvent {
        UserEvent {
            metadata: EventMetadata {
                id: EventId(Uuid::from_u128(1)),
                event_type,
                time: DateTime::UNIX_EPOCH,
                subject: UserId(Uuid::from_u128(7)),
                traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
            },
            change: UserChange {
                op: None,
                before,
                after,
                changed: changed.to_vec(),
                version: 2,
                security_version: SECURITY_VERSION,
                source: ChangeSource::outbox(0),
                ts_ms: 0,
            },
        }
    }

    /// Kind, recipient and whether there is a link.
    fn told(event: &UserEvent) -> Vec<(&'static str, String, bool)> {
        let told = |mail: Notification| {
            (mail.kind.as_str(), mail.recipient.as_str().to_owned(), mail.link_purpose().is_some())
        };
        plan(event).into_iter().map(told).collect()
    }

    fn mail(kind: &'static str, recipient: &str, has_link: bool) -> (&'static str, String, bool) {
        (kind, recipient.to_owned(), has_link)
    }

    #[test]
    fn a_registration_is_told_to_the_address_given_with_a_link_where_it_is_to_be_confirmed() {
        for (status, has_link) in [(Unconfirmed, true), (Confirmed, false)] {
            let event = event(EventType::Registered, None, Some(ada("a@example.org", None, status)), &[]);
            assert_eq!(told(&event), [mail("registered", "a@example.org", has_link)]);
        }
    }

    #[test]
    fn a_mail_has_what_it_needs_from_the_event() {
        let (before, after) =
            (ada("a@example.org", None, Confirmed), ada("a@example.org", Some("b@example.org"), Confirmed));
        let changed = [UserField::PendingEmail, UserField::FullName];
        let planned = plan(&event(EventType::Updated, Some(before), Some(after), &changed));
        let [link, warning, updated] = planned.as_slice() else { panic!("{planned:?}") };
        assert_eq!(link.security_version, Some(SECURITY_VERSION));
        assert_eq!(warning.other_address, Some(Recipient::new("b@example.org")));
        assert_eq!(updated.changed, [UserField::FullName]);
        assert_eq!(updated.security_version, None);
        for mail in &planned {
            assert_eq!((mail.locale, mail.username.as_str()), (Locale::PtBr, "ada"));
            let is_to_stranger = mail.kind == NotificationKind::ConfirmNewAddress;
            assert_eq!(mail.full_name.as_deref(), (!is_to_stranger).then_some("Ada Lovelace"));
            assert_eq!(mail.occurred_at, Some(DateTime::UNIX_EPOCH));
            assert!(mail.traceparent.is_some());
        }
        let shown = format!("{planned:?}");
        assert!(!shown.contains("a@example") && !shown.contains("b@example"), "{shown}");
    }

    #[test]
    fn who_has_not_asked_for_mail_reads_no_words_of_somebody_else() {
        for (status, expected) in [(Unconfirmed, None), (Confirmed, Some("Ada Lovelace"))] {
            let ada = || Some(ada("a@example.org", None, status));
            for event in
                [event(EventType::Registered, None, ada(), &[]), event(EventType::Deleted, ada(), None, &[])]
            {
                assert_eq!(plan(&event)[0].full_name.as_deref(), expected, "{status:?}");
            }
        }
    }

    #[test]
    fn a_deletion_is_told_to_the_last_address_in_force() {
        let ada = ada("a@example.org", Some("b@example.org"), Confirmed);
        let event = event(EventType::Deleted, Some(ada), None, &[]);
        assert_eq!(told(&event), [mail("deleted", "a@example.org", false)]);
    }

    #[test]
    fn a_link_for_a_new_password_goes_to_the_address_in_force() {
        let ada = ada("a@example.org", Some("b@example.org"), Confirmed);
        let event = event(EventType::PasswordResetRequested, None, Some(ada), &[]);
        assert_eq!(told(&event), [mail("reset-password", "a@example.org", true)]);
    }

    #[test]
    fn a_confirmation_that_was_asked_for_goes_to_the_address_that_awaits_it() {
        let pending = Some("b@example.org");
        let both = || {
            let stop = mail("address-change-requested", "a@example.org", true);
            vec![mail("confirm-new-address", "b@example.org", true), stop]
        };
        for (pending, status, expected) in [
            (None, Unconfirmed, vec![mail("confirm-address", "a@example.org", true)]),
            (pending, Confirmed, both()),
            (pending, Unconfirmed, both()),
            (None, Confirmed, vec![]),
        ] {
            let ada = ada("a@example.org", pending, status);
            let event = event(EventType::ConfirmationRequested, None, Some(ada), &[]);
            assert_eq!(told(&event), expected);
        }
    }

    #[test]
    fn an_update_with_half_of_what_it_should_hold_is_told_nevertheless() {
        let ada = ada("a@example.org", None, Confirmed);
        for (before, after) in [(Some(ada.clone()), None), (None, Some(ada))] {
            let planned = plan(&event(EventType::Updated, before, after, &[UserField::Email]));
            let [mail] = planned.as_slice() else { panic!("{planned:?}") };
            assert_eq!((mail.kind, mail.recipient.as_str()), (NotificationKind::Updated, "a@example.org"));
            assert_eq!(mail.changed, [UserField::Email]);
        }
    }

    #[test]
    fn a_trace_context_that_is_none_is_dropped() {
        let ada = ada("a@example.org", None, Confirmed);
        let mut event = event(EventType::Registered, None, Some(ada), &[]);
        for context in ["x".repeat(200), "two\nlines".to_owned()] {
            event.metadata.traceparent = Some(context);
            assert_eq!(plan(&event)[0].traceparent, None);
        }
    }

    fn any_user() -> impl Strategy<Value = UserSnapshot> {
        let status = prop_oneof![Just(Confirmed), Just(Unconfirmed)];
        ("[abc]@example.org", prop::option::of("[abc]@example.org"), status)
            .prop_map(|(email, pending, status)| ada(&email, pending.as_deref(), status))
    }

    fn any_event() -> impl Strategy<Value = UserEvent> {
        let event_type = prop::sample::select(EventType::ALL.to_vec());
        let changed = prop::sample::subsequence(UserField::KNOWN.to_vec(), 0..=UserField::KNOWN.len());
        (event_type, prop::option::of(any_user()), prop::option::of(any_user()), changed)
            .prop_map(|(event_type, before, after, changed)| event(event_type, before, after, &changed))
    }

    proptest! {
        #[test]
        fn an_event_always_asks_for_the_same_mails_and_each_has_an_id_of_its_own(event in any_event()) {
            let planned = plan(&event);
            prop_assert_eq!(&planned, &plan(&event));
            let ids: BTreeSet<_> = planned.iter().map(|mail| mail.id).collect();
            prop_assert_eq!(ids.len(), planned.len());
        }
    }
}
