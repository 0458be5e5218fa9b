use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use secrecy::ExposeSecret;

use super::embedded::TEMPLATES;
use super::field_names::field_name;
use super::lifetime::lifetime_in_words;
use crate::entities::{ActionLinks, Mail, Notification, one_line};
use crate::repositories::{MailRenderer, RenderError};

/// Fills in the templates `<locale>/<kind>.subject`, `.text` and `.html`. Facts are escaped in HTML; in
/// all three they stay on their line.
pub struct MinijinjaMailRenderer {
    environment: Environment<'static>,
    links: ActionLinks,
}

impl MinijinjaMailRenderer {
    /// With the templates that are embedded in the program, and those links.
    ///
    /// # Errors
    ///
    /// [`RenderError`] names the template that cannot be read, and its source the line.
    pub fn embedded(links: ActionLinks) -> Result<Self, RenderError> {
        let mut environment = Environment::new();
        // A misspelt fact is an error that a test sees, not an empty space that a reader does.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| {
            if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
        });
        for (name, source) in TEMPLATES.into_iter().flatten() {
            environment.add_template(name, source).map_err(|error| failed(name, error))?;
        }
        Ok(Self { environment, links })
    }

    fn fill_in(&self, notification: &Notification, part: &str, facts: &Value) -> Result<String, RenderError> {
        let name = format!("{}/{}.{part}", notification.locale.as_str(), notification.kind.as_str());
        let template = self.environment.get_template(&name).map_err(|error| failed(&name, error))?;
        template.render(facts).map_err(|error| failed(&name, error))
    }

    /// What templates may use: `language`, `name`, `username`, `changed`; `link` and `link_lifetime` where the
    /// mail has a link, `other_address` where it tells of one.
    fn facts(&self, notification: &Notification) -> Value {
        let username = one_line(&notification.username);
        let full_name = notification.full_name.as_deref().map(one_line).filter(|name| !name.is_empty());
        let changed: Vec<_> =
            notification.changed.iter().map(|field| field_name(field, notification.locale)).collect();
        let link = self.links.link_of(notification);
        let lifetime = link.as_ref().map(|link| lifetime_in_words(link.lifetime, notification.locale));
        let other_address = notification.other_address.as_ref().map(|address| one_line(address.as_str()));
        context! {
            language => notification.locale.as_str(),
            name => full_name.unwrap_or_else(|| username.clone()),
            username,
            changed,
            link => or_undefined(link.as_ref().map(|link| link.url.expose_secret())),
            link_lifetime => or_undefined(lifetime),
            other_address => or_undefined(other_address),
        }
    }
}

/// What is not there is undefined, so that a mail that cannot do without it is not written.
fn or_undefined(fact: Option<impl Into<Value>>) -> Value {
    fact.map_or(Value::UNDEFINED, Into::into)
}

impl MailRenderer for MinijinjaMailRenderer {
    fn render(&self, notification: &Notification) -> Result<Mail, RenderError> {
        let facts = self.facts(notification);
        Ok(Mail {
            id: notification.id,
            recipient: notification.recipient.clone(),
            recipient_name: notification.full_name.clone(),
            subject: one_line(&self.fill_in(notification, "subject", &facts)?),
            text: self.fill_in(notification, "text", &facts)?,
            html: self.fill_in(notification, "html", &facts)?,
            language: notification.locale,
        })
    }
}

fn failed(template: &str, error: minijinja::Error) -> RenderError {
    RenderError { template: template.to_owned(), source: error.into() }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use shared_kernel::{EventId, Locale, SigningKeys, UserField, UserId};
    use uuid::Uuid;

    use super::*;
    use crate::entities::{LinkLifetimes, NotificationId, NotificationKind, PublicUrl, Recipient};

    fn links() -> ActionLinks {
        let keys = SigningKeys::parse(&"golden-key".repeat(4)).unwrap();
        let public_url = PublicUrl::parse("https://accounts.example.org").unwrap();
        ActionLinks::new(public_url, keys, LinkLifetimes::default())
    }

    fn notification(kind: NotificationKind, locale: Locale) -> Notification {
        let event_id = EventId(Uuid::from_u128(1));
        let recipient = Recipient::new("ada@example.org");
        let tells_of_another = matches!(
            kind,
            NotificationKind::AddressChangeRequested
                | NotificationKind::AddressChangeStopped
                | NotificationKind::AddressConfirmed
                | NotificationKind::AddressReplaced
        );
        Notification {
            id: NotificationId::derive(event_id, kind, &recipient),
            event_id,
            user_id: UserId(Uuid::from_u128(7)),
            kind,
            recipient,
            locale,
            username: "ada".into(),
            full_name: Some("Ada Lovelace".into()),
            changed: match kind {
                NotificationKind::Updated => {
                    let mut changed = UserField::KNOWN.to_vec();
                    changed.push(UserField::Other("shoeSize".into()));
                    changed
                }
                _ => vec![],
            },
            other_address: tells_of_another.then(|| Recipient::new("countess@example.org")),
            security_version: kind.purpose().map(|_| 3),
            occurred_at: DateTime::from_timestamp(1_800_000_000, 0),
            traceparent: None,
        }
    }

    fn render(notification: &Notification) -> Mail {
        MinijinjaMailRenderer::embedded(links()).unwrap().render(notification).unwrap()
    }

    /// The golden file beside the tests; with the environment variable `UPDATE_GOLDEN` it is written.
    fn check_golden(name: &str, mail: &Mail) {
        let Mail { subject, text, html, .. } = mail;
        let actual = format!("{subject}\n\n=== text\n{text}\n=== html\n{html}\n");
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/mails").join(name);
        if option_env!("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &actual).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            actual,
            golden,
            "{} differs; build the tests with UPDATE_GOLDEN=1 to accept",
            path.display()
        );
    }

    #[test]
    fn every_mail_in_every_language_reads_as_its_golden_file() {
        for kind in NotificationKind::ALL {
            for locale in Locale::ALL {
                let name = format!("{}.{}.txt", locale.as_str(), kind.as_str());
                check_golden(&name, &render(&notification(kind, locale)));
            }
        }
    }

    #[test]
    fn a_welcome_to_a_confirmed_account_or_of_an_earlier_release_has_no_link() {
        for locale in Locale::ALL {
            let whole = notification(NotificationKind::Registered, locale);
            let confirmed = Notification { security_version: None, ..whole.clone() };
            let earlier = Notification { occurred_at: None, ..confirmed.clone() };
            check_golden(&format!("{}.registered-without-link.txt", locale.as_str()), &render(&confirmed));
            assert_eq!(render(&earlier), render(&confirmed));
        }
    }

    #[test]
    fn a_link_is_in_both_bodies_whole_and_with_its_lifetime() {
        for kind in NotificationKind::ALL {
            for (locale, hours, minutes) in [
                (Locale::En, "48 hours", "60 minutes"),
                (Locale::PtBr, "48 horas", "60 minutos"),
                (Locale::Es, "48 horas", "60 minutos"),
            ] {
                let notification = notification(kind, locale);
                let mail = render(&notification);
                let Some(link) = links().link_of(&notification) else {
                    assert!(!mail.text.contains("http") && !mail.html.contains("<a "), "{}", mail.text);
                    continue;
                };
                let url = link.url.expose_secret();
                assert!(mail.text.lines().any(|line| line == url), "{}", mail.text);
                let html = mail.html.replace("&#x2f;", "/").replace("&amp;", "&");
                let anchor = format!("<a href=\"{url}\"");
                assert_eq!(html.matches(&anchor).count(), 2, "a button and a visible link: {html}");
                assert!(html.contains(&format!(">{url}</a>")), "{html}");
                let lifetime = if kind == NotificationKind::ResetPassword { minutes } else { hours };
                assert!(mail.text.contains(lifetime) && html.contains(lifetime), "{}", mail.text);
            }
        }
    }

    #[test]
    fn a_mail_is_not_written_without_the_link_or_address_that_it_is_about() {
        let renderer = MinijinjaMailRenderer::embedded(links()).unwrap();
        for kind in NotificationKind::ALL {
            let whole = notification(kind, Locale::En);
            let without_link = Notification { security_version: None, ..whole.clone() };
            let can_do_without = kind == NotificationKind::Registered || kind.purpose().is_none();
            assert_eq!(renderer.render(&without_link).is_ok(), can_do_without, "{kind:?}");
            let without_address = Notification { other_address: None, ..whole.clone() };
            let can_do_without = whole.other_address.is_none();
            assert_eq!(renderer.render(&without_address).is_ok(), can_do_without, "{kind:?}");
        }
    }

    #[test]
    fn debug_shows_no_word_of_a_mail() {
        let mail = render(&notification(NotificationKind::ResetPassword, Locale::En));
        let shown = format!("{mail:?}");
        assert!(shown.contains("a***@example.org"), "{shown}");
        assert!(!shown.contains("token=") && !shown.contains("ada@"), "{shown}");
    }

    #[test]
    fn what_a_user_typed_is_shown_as_text() {
        let nasty = "<img src=x onerror=\"alert('1')\">&amp;{{ 7*7 }}\r\n\r\n-- \r\nYou won";
        for kind in NotificationKind::ALL {
            for locale in Locale::ALL {
                let whole = notification(kind, locale);
                let mail = render(&Notification {
                    username: nasty.into(),
                    full_name: Some(nasty.into()),
                    changed: vec![UserField::Other(nasty.into())],
                    other_address: whole.other_address.as_ref().map(|_| Recipient::new(nasty)),
                    ..whole
                });
                assert!(!mail.html.contains("<img"), "{}", mail.html);
                assert!(mail.html.contains("&amp;amp;"), "{}", mail.html);
                assert!(!mail.subject.contains(['\r', '\n']), "{}", mail.subject);
                for body in [&mail.text, &mail.html] {
                    assert!(body.contains("{{ 7*7 }}"), "{body}");
                    assert!(body.lines().all(|line| !line.trim_start().starts_with("You won")), "{body}");
                }
            }
        }
    }

    #[test]
    fn a_reader_without_a_full_name_is_addressed_by_username() {
        for full_name in [None, Some(" \n".to_owned())] {
            let mail =
                render(&Notification { full_name, ..notification(NotificationKind::Registered, Locale::En) });
            assert!(mail.text.starts_with("Hello ada,"), "{}", mail.text);
        }
    }

    #[test]
    fn an_update_that_names_no_field_still_makes_sense() {
        let mail =
            render(&Notification { changed: vec![], ..notification(NotificationKind::Updated, Locale::En) });
        assert!(mail.text.contains("Your account ada was changed."), "{}", mail.text);
        assert!(!mail.html.contains("<ul>"), "{}", mail.html);
    }
}
