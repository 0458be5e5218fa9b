//! What a mail tells its reader.

use mail_parser::MessageParser;

use super::evidence::{Key, Kind};

/// What a mail says, as whoever reads it understands it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// `Message-ID`, without its brackets.
    pub message_id: String,
    /// What it tells of, to whom; `None` when no reader could say.
    pub key: Option<Key>,
    /// The token of the link that confirms an address.
    pub token: Option<String>,
}

/// The beginnings or ends of the English subjects.
const SUBJECTS: [(&str, Kind); 10] = [
    ("Welcome to ", Kind::Registered),
    ("Your e-mail address is confirmed", Kind::AccountConfirmed),
    (" was changed", Kind::Updated),
    ("Your password was changed", Kind::PasswordChanged),
    ("Confirm your new e-mail address", Kind::ConfirmNewAddress),
    ("Confirm your e-mail address", Kind::ConfirmAddress),
    ("Somebody asked to change the e-mail address", Kind::AddressChangeRequested),
    (" has its new e-mail address", Kind::AddressConfirmed),
    (" has another e-mail address now", Kind::AddressReplaced),
    (" was deleted", Kind::Deleted),
];

impl Told {
    /// Reads a message as it went over the wire, addressed to `to`.
    pub fn of(message: &[u8], to: &str) -> Self {
        let parsed = MessageParser::default().parse(message).unwrap_or_default();
        let (subject, text) = (parsed.subject().unwrap_or_default(), parsed.body_text(0).unwrap_or_default());
        let of_password = subject == "Your password was changed";
        let kind = SUBJECTS.iter().find(|(words, kind)| {
            (subject.starts_with(words) || subject.ends_with(words))
                && (*kind == Kind::PasswordChanged || !of_password)
        });
        let key = kind.map(|(_, kind)| Key {
            kind: *kind,
            to: to.to_owned(),
            name: (*kind == Kind::Updated).then(|| greeted(&text).unwrap_or_default().to_owned()),
        });
        let token = text.split_once("/confirm?token=").map(|(_, rest)| {
            rest.split(|after: char| after == '&' || after.is_whitespace())
                .next()
                .unwrap_or_default()
                .to_owned()
        });
        Self { message_id: parsed.message_id().unwrap_or_default().to_owned(), key, token }
    }
}

fn greeted(text: &str) -> Option<&str> {
    text.strip_prefix("Hello ")?.split(',').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(subject: &str, text: &str) -> Told {
        let message = format!("Message-ID: <1@example>\r\nSubject: {subject}\r\n\r\n{text}\r\n");
        Told::of(message.as_bytes(), "ada@example.org")
    }

    #[test]
    fn a_mail_about_a_change_is_known_by_its_subject_and_an_ordinary_one_by_the_name_in_it() {
        for (subject, kind, name) in [
            ("Welcome to us: please confirm your e-mail address", Kind::Registered, None),
            ("Your account ada was changed", Kind::Updated, Some("N1-2")),
            ("Your password was changed", Kind::PasswordChanged, None),
            ("Your account ada was deleted", Kind::Deleted, None),
        ] {
            let told = mail(subject, "Hello N1-2,\r\n\r\nwords");
            let key = Key { kind, to: "ada@example.org".to_owned(), name: name.map(str::to_owned) };
            assert_eq!((told.message_id.as_str(), told.key), ("1@example", Some(key)), "{subject}");
        }
        assert_eq!(mail("Something else", "Hello").key, None);
    }

    #[test]
    fn the_token_of_a_link_is_found() {
        let told =
            mail("Confirm your new e-mail address", "Open\r\nhttps://a.example/confirm?token=a.b-c\r\n");
        assert_eq!(told.token.as_deref(), Some("a.b-c"));
        assert_eq!(mail("Welcome to us", "Hello").token, None);
    }
}
