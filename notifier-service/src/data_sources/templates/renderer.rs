use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

use super::embedded::TEMPLATES;
use super::field_names::field_name;
use crate::entities::{Mail, Notification, one_line};
use crate::repositories::{MailRenderer, RenderError};

/// Fills in the templates `<locale>/<kind>.subject`, `.text` and `.html`. Facts are escaped in HTML; in
/// all three they stay on their line.
pub struct MinijinjaMailRenderer {
    environment: Environment<'static>,
}

impl MinijinjaMailRenderer {
    /// With the templates that are embedded in the program.
    ///
    /// # Errors
    ///
    /// [`RenderError`] names the template that cannot be read, and its source the line.
    pub fn embedded() -> Result<Self, RenderError> {
        let mut environment = Environment::new();
        // A misspelt fact is an error that a test sees, not an empty space that a reader does.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| {
            if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
        });
        for (name, source) in TEMPLATES {
            environment.add_template(name, source).map_err(|error| failed(name, error))?;
        }
        Ok(Self { environment })
    }

    fn fill_in(&self, notification: &Notification, part: &str, facts: &Value) -> Result<String, RenderError> {
        let name = format!("{}/{}.{part}", notification.locale.as_str(), notification.kind.as_str());
        let template = self.environment.get_template(&name).map_err(|error| failed(&name, error))?;
        template.render(facts).map_err(|error| failed(&name, error))
    }
}

impl MailRenderer for MinijinjaMailRenderer {
    fn render(&self, notification: &Notification) -> Result<Mail, RenderError> {
        let facts = facts(notification);
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

/// What templates may use: `language`, `name`, `username`, `changed`.
fn facts(notification: &Notification) -> Value {
    let username = one_line(&notification.username);
    let full_name = notification.full_name.as_deref().map(one_line).filter(|name| !name.is_empty());
    let changed: Vec<_> =
        notification.changed.iter().map(|field| field_name(field, notification.locale)).collect();
    context! {
        language => notification.locale.as_str(),
        name => full_name.unwrap_or_else(|| username.clone()),
        username,
        changed,
    }
}

fn failed(template: &str, error: minijinja::Error) -> RenderError {
    RenderError { template: template.to_owned(), source: error.into() }
}

#[cfg(test)]
mod tests {
    use shared_kernel::{EventId, Locale, UserField, UserId};
    use uuid::Uuid;

    use super::*;
    use crate::entities::{NotificationId, NotificationKind, Recipient};

    fn notification(kind: NotificationKind, locale: Locale) -> Notification {
        let event_id = EventId(Uuid::from_u128(1));
        let recipient = Recipient::new("ada@example.org");
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
            traceparent: None,
        }
    }

    fn render(notification: &Notification) -> Mail {
        MinijinjaMailRenderer::embedded().unwrap().render(notification).unwrap()
    }

    /// The golden file beside the tests; with the environment variable `UPDATE_GOLDEN` it is written.
    fn check_golden(name: &str, actual: &str) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/mails").join(name);
        if option_env!("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, actual).unwrap();
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
                let mail = render(&notification(kind, locale));
                let name = format!("{}.{}.txt", locale.as_str(), kind.as_str());
                let Mail { subject, text, html, .. } = mail;
                check_golden(&name, &format!("{subject}\n\n=== text\n{text}\n=== html\n{html}\n"));
            }
        }
    }

    #[test]
    fn what_a_user_typed_is_shown_as_text() {
        let nasty = "<img src=x onerror=\"alert('1')\">&amp;{{ 7*7 }}\r\n\r\n-- \r\nYou won";
        for kind in NotificationKind::ALL {
            for locale in Locale::ALL {
                let mail = render(&Notification {
                    username: nasty.into(),
                    full_name: Some(nasty.into()),
                    changed: vec![UserField::Other(nasty.into())],
                    ..notification(kind, locale)
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
