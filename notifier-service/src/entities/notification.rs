use std::fmt;

use chrono::{DateTime, Utc};
use shared_kernel::{ActionPurpose, EventId, Locale, UserField, UserId};
use uuid::Uuid;

use super::NotificationKind;

/// One mail to be sent: who gets it, about which event, and the facts that its template needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Derived from the event, the kind and the recipient; see [`NotificationId::derive`].
    pub id: NotificationId,
    /// The event that it tells of.
    pub event_id: EventId,
    /// The user whose account it is about. Mails of one user to one recipient keep their order.
    pub user_id: UserId,
    /// Which mail it is.
    pub kind: NotificationKind,
    /// Where it goes.
    pub recipient: Recipient,
    /// The language that it is written in.
    pub locale: Locale,
    /// The name that the user logs in by.
    pub username: String,
    /// The name to be addressed by, where the user gave one.
    pub full_name: Option<String>,
    /// The fields that changed; empty unless the kind is `Updated`. Names only, never values.
    pub changed: Vec<UserField>,
    /// The address beside the recipient's that the mail tells of: the one that is to come, that came or that
    /// was before.
    pub other_address: Option<Recipient>,
    /// The account's `securityVersion` as the event had it; `None` when the mail has no link.
    pub security_version: Option<i64>,
    /// When the event was made, by the clock of the service that made it; `None` on a row of a release that
    /// did not record it.
    pub occurred_at: Option<DateTime<Utc>>,
    /// The W3C trace context of the request that made the change.
    pub traceparent: Option<String>,
}

impl Notification {
    /// What the mail's link is for; `None` when it has none.
    pub fn link_purpose(&self) -> Option<ActionPurpose> {
        self.security_version.and(self.occurred_at).and(self.kind.purpose())
    }
}

/// Identifies a mail for ever: the same event always yields the same ids, so recording one twice
/// changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NotificationId(pub Uuid);

impl NotificationId {
    /// The namespace of our version 5 UUIDs. Part of every id, so it never changes.
    const NAMESPACE: Uuid = Uuid::from_u128(0x5d4f_6a1e_9c1b_4a53_8f0e_2b7d_c3a9_10e6);

    /// The id of the mail of that kind about that event to that recipient.
    pub fn derive(event_id: EventId, kind: NotificationKind, recipient: &Recipient) -> Self {
        let mut name = event_id.0.as_bytes().to_vec();
        name.extend_from_slice(kind.as_str().as_bytes());
        // No kind's name holds a zero byte, so no two triples run together to the same name.
        name.push(0);
        name.extend_from_slice(recipient.as_str().as_bytes());
        Self(Uuid::new_v5(&Self::NAMESPACE, &name))
    }
}

impl fmt::Display for NotificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// An e-mail address as the event gave it, compared byte by byte. `Debug` shows it masked, so that it
/// cannot end up in a log by accident.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Recipient(String);

impl Recipient {
    /// Takes the address as it is; whether it can be delivered to is for the mail server to say.
    pub fn new(address: impl Into<String>) -> Self {
        Self(address.into())
    }

    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address as it may be logged, such as `a***@example.org`.
    pub fn masked(&self) -> String {
        super::mask_address(&self.0)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_never_changes_between_releases() {
        let id = NotificationId::derive(
            EventId(Uuid::from_u128(1)),
            NotificationKind::Updated,
            &Recipient::new("ada@example.org"),
        );
        assert_eq!(id.to_string(), "593c85e3-9b1f-59ac-9a51-753dad098ab1");
    }

    #[test]
    fn each_part_makes_another_id() {
        let event = EventId(Uuid::from_u128(1));
        let ada = Recipient::new("ada@example.org");
        let id = NotificationId::derive(event, NotificationKind::Updated, &ada);
        assert_ne!(id, NotificationId::derive(EventId(Uuid::from_u128(2)), NotificationKind::Updated, &ada));
        assert_ne!(id, NotificationId::derive(event, NotificationKind::Deleted, &ada));
        let other = Recipient::new("Ada@example.org");
        assert_ne!(id, NotificationId::derive(event, NotificationKind::Updated, &other));
    }
}
