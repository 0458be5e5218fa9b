use notifier_service::entities::{Mail, NotificationId, Recipient};
use shared_kernel::Locale;
use uuid::Uuid;

/// A mail with lines that SMTP must take care of.
pub(crate) fn mail(number: u128, address: &str) -> Mail {
    Mail {
        id: NotificationId(Uuid::from_u128(number)),
        recipient: Recipient::new(address),
        recipient_name: Some("Ada".into()),
        subject: "Your account".into(),
        text: "Hello\n.\n..dots\nend".into(),
        html: "<p>Hello</p>".into(),
        language: Locale::En,
    }
}
