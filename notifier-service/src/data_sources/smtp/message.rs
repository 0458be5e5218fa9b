use email_encoding::headers::{rfc2047, writer::EmailWriter};
use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};

use super::addresses::envelope_address;
use super::settings::SmtpSettings;
use crate::entities::{Answer, Mail, one_line};
use crate::repositories::MailerError;

/// A mail as it goes over the wire. Without `Debug`: it must not be logged.
pub(super) struct OutgoingMessage {
    /// Who gets it.
    pub(super) recipient: Address,
    /// The message with its headers.
    pub(super) bytes: Vec<u8>,
}

/// Writes a mail as a MIME message: headers, then the text and the HTML as alternatives.
///
/// # Errors
///
/// [`MailerError::Refused`] when no mail can be sent to the address at all.
pub(super) fn write(mail: &Mail, settings: &SmtpSettings) -> Result<OutgoingMessage, MailerError> {
    let refused = |why: &str| MailerError::Refused(Answer::ours(why));
    let from = &settings.from;
    let recipient = envelope_address(&mail.recipient).ok_or_else(|| refused("not an address of e-mail"))?;
    let name = mail.recipient_name.as_deref().and_then(display_name);
    let message = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(name, recipient.clone()))
        .raw_header(subject(&mail.subject))
        .date_now()
        .message_id(Some(format!("<{}@{}>", mail.id, from.email.domain())))
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("X-Auto-Response-Suppress", "All"))
        .raw_header(header("Content-Language", mail.language.as_str()))
        .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
        .map_err(|error| refused(&error.to_string()))?;
    let unsigned = message.formatted();
    let bytes = match &settings.dkim {
        Some(dkim) => dkim.signed(&unsigned),
        None => unsigned,
    };
    Ok(OutgoingMessage { recipient, bytes })
}

fn header(name: &'static str, value: &'static str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// The subject, encoded where it is not plain ASCII. Also where it looks encoded, which lettre lets pass: a reader would
/// be shown what it decodes to, and that is not what the mail says.
fn subject(text: &str) -> HeaderValue {
    const NAME: &str = "Subject";
    let name = HeaderName::new_from_ascii_str(NAME);
    if !text.contains("=?") {
        return HeaderValue::new(name, text.to_owned());
    }
    let mut encoded = String::new();
    let mut writer = EmailWriter::new(&mut encoded, NAME.len() + ": ".len(), 0, false);
    rfc2047::encode(text, &mut writer).expect("a String takes everything that is written to it");
    drop(writer);
    HeaderValue::dangerous_new_pre_encoded(name, text.to_owned(), encoded)
}

/// A user's name as the `To` header shows it, or `None` when nothing of it can be shown. Encoding and
/// quoting are lettre's; what could make a name look like something else is left out here.
fn display_name(name: &str) -> Option<String> {
    Some(one_line(name)).filter(|shown| !shown.is_empty())
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use mail_parser::{Message as Parsed, MessageParser, MimeHeaders};
    use shared_kernel::Locale;
    use uuid::Uuid;

    use super::*;
    use crate::entities::{NotificationId, Recipient};

    fn mail(name: Option<&str>) -> Mail {
        Mail {
            id: NotificationId(Uuid::from_u128(0xabc)),
            recipient: Recipient::new("ada@example.org"),
            recipient_name: name.map(str::to_owned),
            subject: "Olá, está tudo bem".into(),
            text: "Olá 🦀\n.\nfim".into(),
            html: "<p>Olá 🦀</p>".into(),
            language: Locale::PtBr,
        }
    }

    fn settings() -> SmtpSettings {
        SmtpSettings::parse(&"smtp://localhost".into(), "Accounts <accounts@sender.example>").unwrap()
    }

    fn written(mail: &Mail) -> Vec<u8> {
        write(mail, &settings()).unwrap().bytes
    }

    fn recipients(parsed: &Parsed<'_>) -> Vec<(Option<String>, Option<String>)> {
        let list = parsed.to().unwrap().clone().into_list();
        list.into_iter()
            .map(|one| (one.name.map(Cow::into_owned), one.address.map(Cow::into_owned)))
            .collect()
    }

    #[test]
    fn the_message_says_what_it_is_and_holds_both_bodies() {
        let bytes = written(&mail(Some("Ada Lovelace")));
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(parsed.subject(), Some("Olá, está tudo bem"));
        assert_eq!(parsed.message_id(), Some("00000000-0000-0000-0000-000000000abc@sender.example"));
        assert_eq!(parsed.header_raw("Auto-Submitted").unwrap().trim(), "auto-generated");
        assert_eq!(parsed.header_raw("X-Auto-Response-Suppress").unwrap().trim(), "All");
        assert_eq!(parsed.header_raw("Content-Language").unwrap().trim(), "pt-BR");
        assert!(parsed.date().is_some());
        assert_eq!(parsed.from().unwrap().first().unwrap().address(), Some("accounts@sender.example"));
        assert_eq!(parsed.body_text(0).unwrap().replace("\r\n", "\n"), "Olá 🦀\n.\nfim");
        assert_eq!(parsed.body_html(0).unwrap(), "<p>Olá 🦀</p>");
        assert!(parsed.content_type().unwrap().subtype().is_some_and(|subtype| subtype == "alternative"));
        assert!(bytes.is_ascii());
        assert!(bytes.split(|byte| *byte == b'\n').all(|line| line.len() <= 998), "RFC 5322 2.1.1");
    }

    #[test]
    fn no_name_adds_a_header_or_a_recipient() {
        let plain = written(&mail(None));
        let plain = MessageParser::default().parse(&plain).unwrap();
        let header_names = |parsed: &Parsed<'_>| {
            parsed.headers().iter().map(|header| header.name().to_owned()).collect::<Vec<_>>()
        };
        let names = [
            "Ada\r\nBcc: eve@evil.example".to_owned(),
            "Ada\nSubject: won\n\nbody".to_owned(),
            "\"Ada\" <eve@evil.example>, x".to_owned(),
            "Ada, Eve; Mallory: group".to_owned(),
            "back\\slash\\\"".to_owned(),
            "👩‍💻 Ada 🦀".to_owned(),
            "\u{202e}gro.elpmaxe@ada".to_owned(),
            "Ł".repeat(255),
            "x".repeat(255),
            "=?utf-8?B?QmNjOg==?=".to_owned(),
        ];
        for name in names {
            let bytes = written(&mail(Some(&name)));
            let parsed = MessageParser::default().parse(&bytes).unwrap();
            assert_eq!(header_names(&parsed), header_names(&plain), "{name:?}");
            let to = recipients(&parsed);
            assert_eq!(to.len(), 1, "{name:?}: {to:?}");
            assert_eq!(to[0].1.as_deref(), Some("ada@example.org"), "{name:?}");
            assert_eq!(parsed.subject(), Some("Olá, está tudo bem"), "{name:?}");
        }
    }

    #[test]
    fn a_name_is_shown_as_it_is_but_for_what_controls() {
        let shown = |name: &str| {
            let bytes = written(&mail(Some(name)));
            recipients(&MessageParser::default().parse(&bytes).unwrap())[0].0.clone()
        };
        assert_eq!(shown("Ada \"the first\" Lovelace").as_deref(), Some("Ada \"the first\" Lovelace"));
        assert_eq!(shown("👩‍💻 Ada").as_deref(), Some("👩‍💻 Ada"));
        assert_eq!(shown("Ada\r\nBcc: eve").as_deref(), Some("Ada Bcc: eve"));
        assert_eq!(shown("\u{202e}adA").as_deref(), Some("adA"));
        assert_eq!(shown("\u{7}\r\n"), None);
    }

    #[test]
    fn an_address_that_is_none_is_refused_for_good() {
        let mail = Mail { recipient: Recipient::new("ada@example.org>\r\nDATA"), ..mail(None) };
        let error = write(&mail, &settings()).err().unwrap();
        assert!(matches!(error, MailerError::Refused(Answer { stage: None, .. })), "{error:?}");
    }
}
