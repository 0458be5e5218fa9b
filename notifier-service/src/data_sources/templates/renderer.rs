use minijinja::{Value, context};
use secrecy::ExposeSecret;
use shared_kernel::Locale;

use super::dates::time_in_words;
use super::error::TemplateError;
use super::field_names::field_name;
use super::lifetime::lifetime_in_words;
use super::template_set::MailTemplates;
use crate::entities::{ActionLinks, Letterhead, Mail, Notification, one_line, samples};
use crate::repositories::{MailRenderer, RenderError};

/// Fills in the templates `<locale>/<kind>.subject`, `.text` and `.html`. Facts are escaped in HTML; in
/// all three they stay on their line.
pub struct MinijinjaMailRenderer {
    templates: MailTemplates,
    letterhead: Letterhead,
    links: ActionLinks,
}

impl MinijinjaMailRenderer {
    /// With those templates and links. Writes every mail in every language once with sample data, to find now what
    /// would fail later.
    ///
    /// # Errors
    ///
    /// [`TemplateError`] names the template that fails, and the line.
    pub fn new(
        templates: MailTemplates,
        letterhead: Letterhead,
        links: ActionLinks,
    ) -> Result<Self, TemplateError> {
        let renderer = Self { templates, letterhead, links };
        for sample in Locale::ALL.into_iter().flat_map(samples) {
            renderer.check(&sample.notification)?;
        }
        Ok(renderer)
    }

    /// Whether a mail can be written, and holds what it is for.
    fn check(&self, sample: &Notification) -> Result<(), TemplateError> {
        let mail = self.fill_in(sample).map_err(|(_, error)| self.templates.broken(&error))?;
        let incomplete = |part, lacks| TemplateError::Incomplete {
            file: self.templates.file_of(&template(sample, part)),
            lacks,
        };
        for (part, body) in [("subject", &mail.subject), ("text", &mail.text), ("html", &mail.html)] {
            if body.trim().is_empty() {
                return Err(incomplete(part, "everything"));
            }
        }
        if let Some(link) = self.links.link_of(sample) {
            let link = link.url.expose_secret();
            // As minijinja escapes a URL.
            let html = mail.html.replace("&#x2f;", "/").replace("&amp;", "&");
            for (part, body) in [("text", &mail.text), ("html", &html)] {
                if !body.contains(link) {
                    return Err(incomplete(part, "the link, which the mail is sent for,"));
                }
            }
        }
        Ok(())
    }

    /// The mail, or the name of the template that failed and how it did.
    fn fill_in(&self, notification: &Notification) -> Result<Mail, (String, minijinja::Error)> {
        let fill_in = |part, facts: &Value| {
            let name = template(notification, part);
            self.templates.fill_in(&name, facts).map_err(|error| (name, error))
        };
        let facts = self.facts(notification);
        let subject = one_line(&fill_in("subject", &facts)?);
        let facts = context! { subject => subject.as_str(), ..facts };
        Ok(Mail {
            id: notification.id,
            recipient: notification.recipient.clone(),
            recipient_name: notification.full_name.clone(),
            text: fill_in("text", &facts)?,
            html: fill_in("html", &facts)?,
            subject,
            language: notification.locale,
        })
    }

    /// What templates may use: `language`, `service`, `contact`, `contact_url`, `name`, `username` and `changed`;
    /// `when` where it is known, `link`, `link_lifetime` and `link_expires` where the mail has a link, `other_address`
    /// where it tells of one. To these the bodies have `subject`.
    fn facts(&self, notification: &Notification) -> Value {
        let locale = notification.locale;
        let username = one_line(&notification.username);
        let full_name = notification.full_name.as_deref().map(one_line).filter(|name| !name.is_empty());
        let changed: Vec<_> = notification.changed.iter().map(|field| field_name(field, locale)).collect();
        let link = self.links.link_of(notification);
        let link = link.as_ref();
        let other_address = notification.other_address.as_ref().map(|address| one_line(address.as_str()));
        context! {
            language => locale.as_str(),
            service => self.letterhead.service.as_str(),
            contact => self.letterhead.contact.as_str(),
            contact_url => self.letterhead.contact.url(),
            name => full_name.unwrap_or_else(|| username.clone()),
            username,
            changed,
            when => or_undefined(notification.occurred_at.map(|time| time_in_words(time, locale))),
            link => or_undefined(link.map(|link| link.url.expose_secret())),
            link_lifetime => or_undefined(link.map(|link| lifetime_in_words(link.lifetime, locale))),
            link_expires => or_undefined(link.map(|link| time_in_words(link.expires, locale))),
            other_address => or_undefined(other_address),
        }
    }
}

/// The name of the template for a part of a mail.
fn template(notification: &Notification, part: &str) -> String {
    format!("{}/{}.{part}", notification.locale.as_str(), notification.kind.as_str())
}

/// What is not there is undefined, so that a mail that cannot do without it is not written.
fn or_undefined(fact: Option<impl Into<Value>>) -> Value {
    fact.map_or(Value::UNDEFINED, Into::into)
}

impl MailRenderer for MinijinjaMailRenderer {
    fn render(&self, notification: &Notification) -> Result<Mail, RenderError> {
        self.fill_in(notification).map_err(|(template, error)| RenderError {
            template,
            source: self.templates.broken(&error).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use shared_kernel::{SigningKeys, UserField};

    use super::*;
    use crate::entities::{Contact, LinkLifetimes, NotificationKind, PublicUrl, Recipient};

    fn links() -> ActionLinks {
        let keys = SigningKeys::parse(&"golden-key".repeat(4)).unwrap();
        let public_url = PublicUrl::parse("https://accounts.example.org").unwrap();
        ActionLinks::new(public_url, keys, LinkLifetimes::default())
    }

    fn notification(kind: NotificationKind, locale: Locale) -> Notification {
        samples(locale).into_iter().map(|sample| sample.notification).find(|it| it.kind == kind).unwrap()
    }

    fn renderer_with(templates: MailTemplates) -> Result<MinijinjaMailRenderer, TemplateError> {
        let contact = Contact::parse("help@example.org").unwrap();
        MinijinjaMailRenderer::new(
            templates,
            Letterhead { service: "Example & Co.".into(), contact },
            links(),
        )
    }

    fn renderer() -> MinijinjaMailRenderer {
        renderer_with(MailTemplates::embedded().unwrap_or_else(|error| panic!("{error}")))
            .unwrap_or_else(|error| panic!("{error}"))
    }

    fn render(notification: &Notification) -> Mail {
        renderer().render(notification).unwrap()
    }

    /// What the start says to a folder with that file.
    fn said_of(name: &str, source: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, source).unwrap();
        let templates = MailTemplates::overridden_in(folder.path()).unwrap_or_else(|error| panic!("{error}"));
        renderer_with(templates).err().map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn a_template_that_fails_with_any_mail_is_found_at_the_start_with_its_file_and_line() {
        for (name, source, told) in [
            ("es/updated.text", "Hola\n\n{{ nombre }}", "es/updated.text, line 3: undefined value"),
            ("en/registered.text", "{{ link }}", "en/registered.text, line 1: undefined value"),
            ("en/link.html", "\n{{ lnik }}", "en/link.html, line 2: undefined value"),
            ("layout.html", "<p>\n{{ services }}", "layout.html, line 2: undefined value"),
            ("pt-BR/layout.text", "{{ name|upcase }}", "pt-BR/layout.text, line 1: unknown filter"),
            (
                "en/deleted.html",
                "{% extends 'en/base.html' %}",
                "en/deleted.html, line 1: template not found",
            ),
            ("en/deleted.subject", " \n", "en/deleted.subject: everything is missing"),
            (
                "en/reset-password.text",
                "Go there.",
                "en/reset-password.text: the link, which the mail is sent for, is missing",
            ),
            ("es/confirm-address.html", "<p>{{ link_lifetime }}</p>", "es/confirm-address.html: the link"),
            ("en/updated.subject", "News for {{ name }}", ""),
            ("en/reset-password.html", "<a href='{{ link|safe }}'>Go</a>", ""),
        ] {
            let said = said_of(name, source);
            assert!(
                said.contains(told) && said.is_empty() == told.is_empty(),
                "{name}: {told:?} in {said:?}"
            );
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
                    assert!(!mail.text.contains("http") && !mail.html.contains("http"), "{}", mail.text);
                    continue;
                };
                let url = link.url.expose_secret();
                assert!(mail.text.lines().any(|line| line == url), "{}", mail.text);
                let html = mail.html.replace("&#x2f;", "/").replace("&amp;", "&");
                let anchor = format!("<a href=\"{url}\"");
                assert_eq!(html.matches(&anchor).count(), 2, "a button and a visible link: {html}");
                assert!(html.contains(&format!(">{url}</a>")), "{html}");
                let expires = time_in_words(link.expires, locale);
                assert!(mail.text.contains(&expires) && mail.html.contains(&expires), "{}", mail.text);
                let lifetime = if kind == NotificationKind::ResetPassword { minutes } else { hours };
                assert!(mail.text.contains(lifetime) && html.contains(lifetime), "{}", mail.text);
            }
        }
    }

    #[test]
    fn a_mail_is_not_written_without_the_link_or_address_that_it_is_about() {
        let renderer = renderer();
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
    fn every_mail_says_who_sends_it_whom_it_is_about_and_where_to_ask() {
        for sample in Locale::ALL.into_iter().flat_map(samples) {
            let Mail { text, html, language, .. } = render(&sample.notification);
            assert!(text.contains("Example & Co.") && html.contains("Example &amp; Co."), "{text}");
            assert!(text.contains("help@example.org"), "{text}");
            assert!(html.contains("<a href=\"mailto:help@example.org\">help@example.org</a>"), "{html}");
            assert!(html.contains(&format!("<html lang=\"{}\"", language.as_str())), "{html}");
            assert!(!html.contains("<img") && !html.contains("src=") && !html.contains("url("), "{html}");
            let is_deletion_of_old = sample.notification.occurred_at.is_none();
            let tells_when = text.contains("2027");
            let has_no_time = sample.notification.kind == NotificationKind::Registered
                && sample.notification.security_version.is_none();
            assert_eq!(tells_when, !is_deletion_of_old && !has_no_time, "{}: {text}", sample.name);
        }
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
