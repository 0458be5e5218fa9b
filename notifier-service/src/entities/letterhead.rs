use std::fmt::Write as _;

use thiserror::Error;

use super::one_line;

/// What every mail says about who sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letterhead {
    /// What mails call the service.
    pub service: String,
    /// Whom readers can turn to.
    pub contact: Contact,
}

/// An e-mail address or a web page where readers get help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    shown: String,
    url: String,
}

/// The text is neither of them.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("it must be an address such as help@example.org, or a page that begins with https:// or http://")]
pub struct BadContact;

impl Contact {
    /// Reads an e-mail address or the URL of a page.
    ///
    /// # Errors
    ///
    /// [`BadContact`], which says what is accepted.
    pub fn parse(text: &str) -> Result<Self, BadContact> {
        let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>\"'`\\".contains(c);
        if !text.chars().all(is_plain) || one_line(text) != text {
            return Err(BadContact);
        }
        let page = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        match (page, text.rsplit_once('@')) {
            (Some(rest), _) if rest.starts_with(|c: char| c.is_alphanumeric() || c == '[') => {
                Ok(Self { shown: text.to_owned(), url: text.to_owned() })
            }
            (None, Some((local, domain))) if !local.is_empty() && is_domain(domain) => {
                Ok(Self::of_address(text))
            }
            _ => Err(BadContact),
        }
    }

    /// An address that is known to be one, such as the sender's.
    pub fn of_address(address: &str) -> Self {
        Self { shown: address.to_owned(), url: mailto(address) }
    }

    /// As it stands in a mail.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// What a link to it leads to.
    pub fn url(&self) -> &str {
        &self.url
    }
}

fn is_domain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
}

/// RFC 6068: what is not plain in an address is percent-encoded.
fn mailto(address: &str) -> String {
    let mut url = "mailto:".to_owned();
    for byte in address.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@+".contains(&byte) {
            url.push(char::from(byte));
        } else {
            write!(url, "%{byte:02X}").expect("a String takes everything that is written to it");
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_a_page_is_taken() {
        for (text, url) in [
            ("help@example.org", "mailto:help@example.org"),
            ("help+mails@bücher.example", "mailto:help+mails@b%C3%BCcher.example"),
            ("a%b?c&d@example.org", "mailto:a%25b%3Fc%26d@example.org"),
            ("https://example.org/help?topic=mails", "https://example.org/help?topic=mails"),
            ("http://127.0.0.1:8080/help", "http://127.0.0.1:8080/help"),
        ] {
            let contact = Contact::parse(text).expect(text);
            assert_eq!((contact.as_str(), contact.url()), (text, url));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "help",
            "@example.org",
            "help@",
            "help@example.org, other@example.org",
            "Help <help@example.org>",
            "help@example.org\nBcc: eve@example.org",
            "help@exa\u{202e}mple.org",
            "ftp://example.org",
            "javascript:alert(1)",
            "https://",
            "https:// example.org",
            "https://\"><script>",
        ] {
            assert_eq!(Contact::parse(text), Err(BadContact), "{text:?}");
        }
    }
}
