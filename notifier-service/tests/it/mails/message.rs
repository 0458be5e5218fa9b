use mail_parser::{Message, MessageParser, MimeHeaders};
use notifier_service::entities::{Mail, Notification};

use super::SENDER;
use crate::support::smtp_server::Accepted;

/// The headers of every mail, in their order.
const HEADERS: [&str; 10] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "Content-Language",
    "MIME-Version",
    "Content-Type",
];

/// Splits a message by RFC 5322 as it is written: no line too long, no character that is none, every header a name and a
/// value, and none twice. Panics with what is wrong.
pub(super) fn header_names(raw: &str) -> Vec<String> {
    let (head, _) = raw.split_once("\r\n\r\n").expect("a message has a head and a body");
    let mut names: Vec<String> = Vec::new();
    for line in head.split("\r\n") {
        assert!(line.len() <= 998, "2.1.1: {line}");
        assert!(!line.contains(['\r', '\n', '\0']), "2.2: {line:?}");
        if line.starts_with([' ', '\t']) {
            assert!(!names.is_empty() && !line.trim().is_empty(), "2.2.3: {line:?}");
            continue;
        }
        let (name, _) = line.split_once(": ").unwrap_or_else(|| panic!("2.2: {line:?}"));
        assert!(name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'), "3.6.8: {line:?}");
        assert!(!names.iter().any(|known| known.eq_ignore_ascii_case(name)), "3.6: {name} twice");
        names.push(name.to_owned());
    }
    names
}

/// Checks all that a mail is to be besides its words: its envelope, exactly these headers, and two bodies that say what
/// was rendered.
pub(super) fn check(accepted: &Accepted, mail: &Mail, notification: &Notification, address: &str) {
    let raw = accepted.message.as_str();
    assert_eq!(header_names(raw), HEADERS, "{raw}");
    assert_eq!(accepted.mail_from.split(['<', '>']).nth(1), Some(SENDER));
    assert_eq!(accepted.rcpt_to.split(['<', '>']).nth(1), Some(address), "{}", accepted.rcpt_to);
    assert!(raw.split("\r\n").all(|line| line.len() <= 998), "2.1.1");

    let message = MessageParser::default().parse(raw.as_bytes()).unwrap();
    assert_eq!(addresses(message.from()), [SENDER]);
    assert_eq!(addresses(message.to()), [address], "{raw}");
    assert!(message.cc().is_none() && message.bcc().is_none() && message.reply_to().is_none());
    assert_eq!(message.subject(), Some(mail.subject.as_str()), "{raw}");
    assert!(message.date().unwrap().is_valid());
    assert_eq!(message.message_id(), Some(format!("{}@sender.example", notification.id).as_str()));
    let value = |name: &'static str| message.header_raw(name).unwrap().trim();
    assert_eq!(value("Auto-Submitted"), "auto-generated");
    assert_eq!(value("X-Auto-Response-Suppress"), "All");
    assert_eq!(value("Content-Language"), notification.locale.as_str());
    assert_eq!(value("MIME-Version"), "1.0");

    assert!(message.content_type().unwrap().subtype().is_some_and(|subtype| subtype == "alternative"));
    assert_eq!((message.text_body.len(), message.html_body.len(), message.attachment_count()), (1, 1, 0));
    assert_eq!(message.parts.len(), 3);
    assert_eq!(body(message.body_text(0)), mail.text.trim_end());
    assert_eq!(body(message.body_html(0)), mail.html.trim_end());
}

pub(super) fn display_name(accepted: &Accepted) -> Option<String> {
    let message = MessageParser::default().parse(accepted.message.as_bytes()).unwrap();
    message.to().unwrap().first().unwrap().name().map(str::to_owned)
}

fn addresses<'a>(header: Option<&'a mail_parser::Address<'_>>) -> Vec<&'a str> {
    header.unwrap().iter().map(|one| one.address().unwrap()).collect()
}

fn body(body: Option<std::borrow::Cow<'_, str>>) -> String {
    body.unwrap().replace("\r\n", "\n").trim_end().to_owned()
}

/// A message without what is new in each: its date and its boundary.
pub(super) fn normalised(raw: &str) -> String {
    let message: Message<'_> = MessageParser::default().parse(raw.as_bytes()).unwrap();
    let boundary = message.content_type().unwrap().attribute("boundary").unwrap().to_owned();
    let date = raw.lines().find(|line| line.starts_with("Date: ")).unwrap();
    raw.replace(&boundary, "BOUNDARY").replace(date, "Date: DATE")
}
