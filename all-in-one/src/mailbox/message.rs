//! What a mail says, read out of its bytes. The serialised forms have Mailpit's field names and shapes.

use std::collections::{BTreeMap, HashSet};

use mail_parser::{HeaderName, MessageParser, MessagePart, MimeHeaders, PartType};
use serde::Serialize;

const SNIPPET_CHARS: usize = 250;

/// Who a mail came from and who it was for, as the SMTP client said, whatever the headers say.
#[derive(Clone, Default)]
pub(super) struct Envelope {
    /// Empty for the null reverse-path.
    pub(super) sender: String,
    pub(super) recipients: Vec<String>,
}

/// A name, which may be empty, and an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Address {
    name: String,
    address: String,
}

/// What a list shows of a mail. Read once, when the mail comes.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Summary {
    #[serde(rename = "MessageID")]
    message_id: String,
    #[serde(flatten)]
    people: People,
    subject: String,
    attachments: usize,
    snippet: String,
}

/// All that a mail says. Read anew whenever a mail is opened.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Content {
    #[serde(rename = "MessageID")]
    message_id: String,
    #[serde(flatten)]
    people: People,
    return_path: String,
    subject: String,
    list_unsubscribe: ListUnsubscribe,
    /// The header's date in RFC 3339. Whoever shows it falls back on the date received.
    #[serde(skip)]
    pub(super) date: Option<String>,
    pub(super) text: String,
    #[serde(rename = "HTML")]
    pub(super) html: String,
    inline: Vec<Attachment>,
    attachments: Vec<Attachment>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct People {
    from: Address,
    to: Vec<Address>,
    cc: Vec<Address>,
    bcc: Vec<Address>,
    reply_to: Vec<Address>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListUnsubscribe {
    header: String,
    links: Vec<String>,
    errors: String,
    header_post: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Attachment {
    #[serde(rename = "PartID")]
    part_id: String,
    file_name: String,
    content_type: String,
    #[serde(rename = "ContentID")]
    content_id: String,
    size: usize,
}

impl Summary {
    pub(super) fn of(raw: &[u8], envelope: &Envelope) -> Self {
        let message = parse(raw);
        let text = text(&message);
        let mut snippet = String::new();
        for word in text.split_whitespace() {
            if !snippet.is_empty() {
                snippet.push(' ');
            }
            snippet.push_str(word);
            if snippet.len() > SNIPPET_CHARS * 4 {
                break;
            }
        }
        Self {
            message_id: message.message_id().unwrap_or_default().to_owned(),
            people: People::of(&message, envelope),
            subject: message.subject().unwrap_or_default().to_owned(),
            attachments: message.attachments().filter(|part| !is_inline(part)).count(),
            snippet: snippet.chars().take(SNIPPET_CHARS).collect(),
        }
    }
}

impl Content {
    pub(super) fn of(raw: &[u8], envelope: &Envelope) -> Self {
        let message = parse(raw);
        let (inline, attachments) = attachments(&message);
        let header = |name: &'static str| message.header_raw(name).map(unfold).unwrap_or_default();
        let return_path = match header("Return-Path") {
            path if path.is_empty() => envelope.sender.clone(),
            path => path.trim_start_matches('<').trim_end_matches('>').to_owned(),
        };
        let unsubscribe = header("List-Unsubscribe");
        Self {
            message_id: message.message_id().unwrap_or_default().to_owned(),
            people: People::of(&message, envelope),
            return_path,
            subject: message.subject().unwrap_or_default().to_owned(),
            list_unsubscribe: ListUnsubscribe {
                links: angle_bracketed(&unsubscribe),
                header: unsubscribe,
                errors: String::new(),
                header_post: header("List-Unsubscribe-Post"),
            },
            date: message.date().filter(|date| date.is_valid()).map(mail_parser::DateTime::to_rfc3339),
            text: text(&message),
            html: html(&message),
            inline,
            attachments,
        }
    }
}

/// Every header by name, in its order of appearance, unfolded but not decoded.
pub(super) fn headers(raw: &[u8]) -> BTreeMap<String, Vec<String>> {
    let message = parse(raw);
    let mut headers = BTreeMap::<_, Vec<_>>::new();
    for (name, value) in message.headers_raw() {
        headers.entry(canonical(name)).or_default().push(unfold(value));
    }
    headers
}

fn parse(raw: &[u8]) -> mail_parser::Message<'_> {
    MessageParser::default().parse(raw).unwrap_or_else(|| mail_parser::Message {
        // Every message has a root part: the parser's own methods rely on it.
        parts: vec![MessagePart::default()],
        ..mail_parser::Message::default()
    })
}

impl People {
    /// A recipient whom no header names is one all the same: of a mail without a `To`, it is who the mail is to;
    /// of any other, a blind copy.
    fn of(message: &mail_parser::Message<'_>, envelope: &Envelope) -> Self {
        let mut to = addresses(message, HeaderName::To);
        let cc = addresses(message, HeaderName::Cc);
        let mut bcc = addresses(message, HeaderName::Bcc);
        let named: HashSet<_> =
            [&to, &cc, &bcc].into_iter().flatten().map(|named| named.address.to_lowercase()).collect();
        let unnamed = envelope
            .recipients
            .iter()
            .filter(|recipient| !named.contains(&recipient.to_lowercase()))
            .map(|recipient| Address { name: String::new(), address: recipient.clone() });
        if to.is_empty() { &mut to } else { &mut bcc }.extend(unnamed);
        let from = addresses(message, HeaderName::From)
            .into_iter()
            .next()
            .unwrap_or_else(|| Address { name: String::new(), address: envelope.sender.clone() });
        Self { from, to, cc, bcc, reply_to: addresses(message, HeaderName::ReplyTo) }
    }
}

fn addresses(message: &mail_parser::Message<'_>, header: HeaderName<'static>) -> Vec<Address> {
    message
        .header_values(header)
        .filter_map(|value| value.as_address())
        .flat_map(mail_parser::Address::iter)
        .map(|address| Address {
            name: address.name().unwrap_or_default().to_owned(),
            address: address.address().unwrap_or_default().to_owned(),
        })
        .collect()
}

/// The text parts; of a mail that has HTML alone, the text in it.
fn text(message: &mail_parser::Message<'_>) -> String {
    let parts: Vec<_> = (0..message.text_body_count()).filter_map(|part| message.body_text(part)).collect();
    parts.join("\n")
}

/// The HTML parts; empty for a mail that has none.
fn html(message: &mail_parser::Message<'_>) -> String {
    message
        .html_bodies()
        .filter_map(|part| match &part.body {
            PartType::Html(html) => Some(html.as_ref()),
            _ => None,
        })
        .collect()
}

fn attachments(message: &mail_parser::Message<'_>) -> (Vec<Attachment>, Vec<Attachment>) {
    let (mut inline, mut attached) = (Vec::new(), Vec::new());
    for (index, part) in message.attachments().enumerate() {
        let content_type = part.content_type().map_or_else(
            || "application/octet-stream".to_owned(),
            |kind| match kind.subtype() {
                Some(subtype) => format!("{}/{subtype}", kind.ctype()),
                None => kind.ctype().to_owned(),
            },
        );
        let attachment = Attachment {
            part_id: (index + 1).to_string(),
            file_name: part.attachment_name().unwrap_or_default().to_owned(),
            content_type,
            content_id: part.content_id().unwrap_or_default().to_owned(),
            size: part.len(),
        };
        if is_inline(part) { &mut inline } else { &mut attached }.push(attachment);
    }
    (inline, attached)
}

fn is_inline(part: &MessagePart<'_>) -> bool {
    part.content_disposition().map_or(part.content_id().is_some(), mail_parser::ContentType::is_inline)
}

fn unfold(value: &str) -> String {
    value.replace("\r\n", "").trim().to_owned()
}

fn angle_bracketed(value: &str) -> Vec<String> {
    value
        .split('<')
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .map(|(link, _)| link.to_owned())
        .collect()
}

/// `Message-ID` as `Message-Id`: a capital at the start and after each hyphen, no other.
fn canonical(name: &str) -> String {
    let mut starts = true;
    name.chars()
        .map(|letter| {
            let canonical = if starts { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
            starts = letter == '-';
            canonical
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(recipients: &[&str]) -> Envelope {
        Envelope {
            sender: "sender@example.com".into(),
            recipients: recipients.iter().map(ToString::to_string).collect(),
        }
    }

    fn listed(addresses: &[Address]) -> Vec<&str> {
        addresses.iter().map(|address| address.address.as_str()).collect()
    }

    #[test]
    fn recipients_whom_no_header_names_are_shown() {
        let without_to = Summary::of(b"Subject: x\r\n\r\n", &envelope(&["ada@example.com"]));
        assert_eq!(listed(&without_to.people.to), ["ada@example.com"]);
        let blind = Summary::of(
            b"To: Ada <Ada@example.com>\r\nCc: eve@example.com\r\n\r\n",
            &envelope(&["ada@example.com", "eve@example.com", "bob@example.com"]),
        );
        assert_eq!(listed(&blind.people.to), ["Ada@example.com"]);
        assert_eq!(listed(&blind.people.bcc), ["bob@example.com"]);
    }

    #[test]
    fn a_message_without_a_header_is_read_all_the_same() {
        for raw in [&b""[..], b"\r\n", b"\xff\xfe\x00", b"no header here"] {
            let content = Content::of(raw, &envelope(&["ada@example.com"]));
            assert_eq!(content.people.from.address, "sender@example.com");
            assert_eq!(listed(&content.people.to), ["ada@example.com"]);
            assert_eq!(content.return_path, "sender@example.com");
        }
    }

    #[test]
    fn the_snippet_is_one_line_of_bounded_length() {
        let raw = format!("Subject: x\r\n\r\nHello,\r\n\r\n  é {}", "wörd ".repeat(200));
        let snippet = Summary::of(raw.as_bytes(), &envelope(&[])).snippet;
        assert!(snippet.starts_with("Hello, é wörd wörd"), "{snippet}");
        assert_eq!(snippet.chars().count(), 250);
    }

    #[test]
    fn headers_are_unfolded_and_grouped_by_canonical_name() {
        let headers = headers(b"message-id: <a@b>\r\nX-Two: 1\r\nSubject: a\r\n b\r\nx-two: 2\r\n\r\nbody");
        assert_eq!(headers["Message-Id"], ["<a@b>"]);
        assert_eq!(headers["Subject"], ["a b"]);
        assert_eq!(headers["X-Two"], ["1", "2"]);
    }

    #[test]
    fn html_and_attachments_are_told_apart_from_text() {
        let raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n\
            --b\r\nContent-Type: text/html\r\n\r\n<p>Hello <b>Ada</b></p>\r\n\
            --b\r\nContent-Type: text/csv; name=a.csv\r\nContent-Disposition: attachment; filename=a.csv\r\n\r\n1,2\r\n\
            --b--\r\n";
        let content = Content::of(raw, &envelope(&[]));
        assert_eq!(content.html.trim(), "<p>Hello <b>Ada</b></p>");
        assert!(content.text.contains("Hello Ada"), "{}", content.text);
        assert_eq!(content.attachments.len(), 1);
        assert_eq!(content.attachments[0].file_name, "a.csv");
        assert_eq!(content.attachments[0].content_type, "text/csv");
        assert!(content.inline.is_empty());
        let plain = Content::of(b"Subject: x\r\n\r\nplain", &envelope(&[]));
        assert_eq!((plain.text.as_str(), plain.html.as_str()), ("plain", ""));
    }
}
