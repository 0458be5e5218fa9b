use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use shared_kernel::{ActionPurpose, ActionToken, SigningKeys};

use super::{LinkLifetimes, Notification, PublicUrl};

/// Makes the links of mails: pages of user-service, each with a token that lets its reader do one thing.
#[derive(Debug, Clone)]
pub struct ActionLinks {
    public_url: PublicUrl,
    keys: SigningKeys,
    lifetimes: LinkLifetimes,
}

/// A link as it stands in a mail. Whoever has it can use it, so `Debug` does not show it.
#[derive(Debug, Clone)]
pub struct ActionLink {
    /// The whole URL.
    pub url: SecretString,
    /// How long it counts, from the event on.
    pub lifetime: Duration,
    /// Until when it counts.
    pub expires: DateTime<Utc>,
}

impl ActionLinks {
    /// Links to that user-service, which must hold the same keys.
    pub fn new(public_url: PublicUrl, keys: SigningKeys, lifetimes: LinkLifetimes) -> Self {
        Self { public_url, keys, lifetimes }
    }

    /// Where they lead to.
    pub fn public_url(&self) -> &PublicUrl {
        &self.public_url
    }

    /// How long the links count.
    pub fn lifetimes(&self) -> LinkLifetimes {
        self.lifetimes
    }

    /// The link of a mail, where it has one. The same notification always gives the same link.
    pub fn link_of(&self, notification: &Notification) -> Option<ActionLink> {
        let purpose = notification.link_purpose()?;
        let lifetime = self.lifetimes.of(purpose);
        // Counted from the event's time, which is of the clock that will judge it. So this service's clock
        // never matters, and a mail that comes late has no link that counts for longer.
        let expires = after(notification.occurred_at?, lifetime);
        let token = ActionToken {
            purpose,
            user_id: notification.user_id,
            address: notification.recipient.as_str().to_owned(),
            security_version: notification.security_version?,
            expires,
        };
        let token = token.sign(&self.keys);
        let url = format!(
            "{}/{}?token={}&lang={}",
            self.public_url,
            page(purpose),
            token.expose_secret(),
            notification.locale.as_str(),
        );
        Some(ActionLink { url: url.into(), lifetime, expires })
    }
}

/// The path of the page, which does nothing before its button is pressed: mail filters open links.
fn page(purpose: ActionPurpose) -> &'static str {
    match purpose {
        ActionPurpose::ConfirmAddress => "confirm",
        ActionPurpose::CancelAddressChange => "cancel-email-change",
        ActionPurpose::ResetPassword => "reset-password",
    }
}

fn after(time: DateTime<Utc>, duration: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(duration)
        .ok()
        .and_then(|delta| time.checked_add_signed(delta))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use shared_kernel::{EventId, Locale, UserId};
    use uuid::Uuid;

    use super::*;
    use crate::entities::{NotificationId, NotificationKind, Recipient};

    const HOUR: Duration = Duration::from_secs(3600);

    fn keys() -> SigningKeys {
        SigningKeys::parse(&"k".repeat(32)).unwrap()
    }

    fn links() -> ActionLinks {
        let lifetimes = LinkLifetimes { confirm: 48 * HOUR, reset: HOUR };
        ActionLinks::new(PublicUrl::parse("https://accounts.example.org/").unwrap(), keys(), lifetimes)
    }

    fn notification(kind: NotificationKind) -> Notification {
        let recipient = Recipient::new("ada@example.org");
        Notification {
            id: NotificationId::derive(EventId(Uuid::from_u128(1)), kind, &recipient),
            event_id: EventId(Uuid::from_u128(1)),
            user_id: UserId(Uuid::from_u128(7)),
            kind,
            recipient,
            locale: Locale::PtBr,
            username: "ada".into(),
            full_name: None,
            changed: vec![],
            other_address: None,
            security_version: Some(3),
            occurred_at: DateTime::from_timestamp(1_000_000, 0),
            traceparent: None,
        }
    }

    #[test]
    fn a_link_leads_to_its_page_and_counts_from_the_event_on() {
        for (kind, page, purpose, lifetime) in [
            (NotificationKind::Registered, "confirm", ActionPurpose::ConfirmAddress, 48 * HOUR),
            (NotificationKind::ConfirmAddress, "confirm", ActionPurpose::ConfirmAddress, 48 * HOUR),
            (NotificationKind::ConfirmNewAddress, "confirm", ActionPurpose::ConfirmAddress, 48 * HOUR),
            (
                NotificationKind::AddressChangeRequested,
                "cancel-email-change",
                ActionPurpose::CancelAddressChange,
                48 * HOUR,
            ),
            (NotificationKind::ResetPassword, "reset-password", ActionPurpose::ResetPassword, HOUR),
        ] {
            let link = links().link_of(&notification(kind)).unwrap();
            let url = link.url.expose_secret();
            let rest = url.strip_prefix(&format!("https://accounts.example.org/{page}?token=")).unwrap();
            let token = rest.strip_suffix("&lang=pt-BR").unwrap();
            let expires = after(DateTime::from_timestamp(1_000_000, 0).unwrap(), lifetime);
            let just_before = expires - TimeDelta::seconds(1);
            let expected = ActionToken {
                purpose,
                user_id: UserId(Uuid::from_u128(7)),
                address: "ada@example.org".into(),
                security_version: 3,
                expires,
            };
            assert_eq!(ActionToken::verify(token, purpose, &keys(), just_before), Ok(expected));
            assert!(ActionToken::verify(token, purpose, &keys(), expires).is_err());
            assert_eq!((link.lifetime, link.expires), (lifetime, expires));
        }
    }

    #[test]
    fn a_mail_without_purpose_or_grounds_has_no_link() {
        let link = |notification| links().link_of(&notification).map(|_| ());
        let whole = notification(NotificationKind::Registered);
        assert_eq!(link(notification(NotificationKind::Updated)), None);
        assert_eq!(link(Notification { security_version: None, ..whole.clone() }), None);
        assert_eq!(link(Notification { occurred_at: None, ..whole }), None);
    }

    #[test]
    fn debug_shows_neither_link_nor_key() {
        let link = links().link_of(&notification(NotificationKind::ResetPassword)).unwrap();
        let shown = format!("{link:?} {:?}", links());
        assert!(!shown.contains("token=") && !shown.contains("kkk"), "{shown}");
    }

    #[test]
    fn a_time_beyond_all_calendars_is_the_last_one() {
        assert_eq!(after(DateTime::<Utc>::MAX_UTC, HOUR), DateTime::<Utc>::MAX_UTC);
        assert_eq!(after(DateTime::UNIX_EPOCH, Duration::MAX), DateTime::<Utc>::MAX_UTC);
    }
}
