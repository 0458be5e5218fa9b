use chrono::DateTime;
use shared_kernel::{EventId, Locale, UserField, UserId};
use uuid::Uuid;

use super::{Notification, NotificationId, NotificationKind, Recipient};

/// A notification about somebody who does not exist, to see what its mail looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Its kind, and what is special about it where there is more than one of the kind.
    pub name: String,
    /// What the mail is made of.
    pub notification: Notification,
}

/// Every mail that there can be in a language: each kind with everything that it can tell, and those that can also do
/// with less.
pub fn samples(locale: Locale) -> Vec<Sample> {
    let full = |kind| sample(kind, kind.as_str(), locale);
    let mut samples: Vec<_> = NotificationKind::ALL.into_iter().map(full).collect();

    let mut welcome = sample(NotificationKind::Registered, "registered-without-link", locale);
    welcome.notification.security_version = None;
    let mut update = sample(NotificationKind::Updated, "updated-without-fields", locale);
    update.notification.changed.clear();
    let mut goodbye = sample(NotificationKind::Deleted, "deleted-without-name-and-time", locale);
    goodbye.notification.full_name = None;
    goodbye.notification.occurred_at = None;
    samples.extend([welcome, update, goodbye]);
    samples
}

fn sample(kind: NotificationKind, name: &str, locale: Locale) -> Sample {
    let event_id = EventId(Uuid::from_u128(1));
    let recipient = Recipient::new("ada@example.org");
    let changed = match kind {
        NotificationKind::Updated => UserField::KNOWN.to_vec(),
        _ => Vec::new(),
    };
    let notification = Notification {
        id: NotificationId::derive(event_id, kind, &recipient),
        event_id,
        user_id: UserId(Uuid::from_u128(7)),
        kind,
        recipient,
        locale,
        username: "ada".to_owned(),
        full_name: Some("Ada Lovelace".to_owned()),
        changed,
        other_address: kind.tells_of_another_address().then(|| Recipient::new("countess@example.org")),
        security_version: kind.purpose().map(|_| 3),
        occurred_at: DateTime::from_timestamp(1_800_000_000, 0),
        traceparent: None,
    };
    Sample { name: name.to_owned(), notification }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_a_name_of_its_own() {
        for locale in Locale::ALL {
            let samples = samples(locale);
            let names: BTreeSet<_> = samples.iter().map(|sample| &sample.name).collect();
            assert_eq!(names.len(), samples.len());
            assert!(samples.iter().all(|sample| sample.notification.locale == locale));
        }
    }
}
