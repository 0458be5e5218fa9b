use super::Violation;

/// The most characters of a column that holds a person's text.
const MAX_CHARS: usize = 255;

/// The name to be addressed by: 1 to 255 characters on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullName(String);

/// A postal address: 1 to 255 characters on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostalAddress(String);

fn one_line(text: &str) -> Result<String, Violation> {
    // The separators of lines and paragraphs are no control characters to Unicode.
    if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(Violation::new("invalid_characters", "must be one line without control characters"));
    }
    let text = text.trim();
    if text.is_empty() {
        return Err(Violation::new("required", "must not be blank; leave it out or send null for none"));
    }
    if text.chars().count() > MAX_CHARS {
        return Err(Violation::new("too_long", "must have at most 255 characters"));
    }
    Ok(text.to_owned())
}

macro_rules! person_text {
    ($type:ident) => {
        impl $type {
            /// Takes what a client sent, without the blanks around it.
            ///
            /// # Errors
            ///
            /// A [`Violation`] that says what is accepted.
            pub fn parse(text: &str) -> Result<Self, Violation> {
                one_line(text).map(Self)
            }

            /// Takes what the database holds as it is: rows may be older than today's rules.
            pub fn from_stored(text: String) -> Self {
                Self(text)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

person_text!(FullName);
person_text!(PostalAddress);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_taken_without_the_blanks_around_it() {
        assert_eq!(FullName::parse("  Ada 🦀 Lovelace ").unwrap().as_str(), "Ada 🦀 Lovelace");
        assert!(PostalAddress::parse(&"é".repeat(255)).is_ok());
    }

    #[test]
    fn lines_blanks_and_length_are_refused_with_their_reason() {
        for (text, code) in [
            ("a\nb", "invalid_characters"),
            ("a\0b", "invalid_characters"),
            ("a\u{85}b", "invalid_characters"),
            ("a\u{2028}b", "invalid_characters"),
            ("   ", "required"),
            (&*"é".repeat(256), "too_long"),
        ] {
            assert_eq!(FullName::parse(text).unwrap_err().code, code, "{text:?}");
        }
    }
}
