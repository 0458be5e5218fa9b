use super::Violation;

/// A mailbox address, `local@domain` as RFC 5321 and RFC 6531 (international addresses) have it,
/// without quoting, comments or address literals.
///
/// Letters beyond ASCII are kept in lower case, so that folding ASCII alone, which every database
/// does alike, makes two spellings of one address equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The most bytes that an address may have on the wire (RFC 3696, erratum 1690).
    pub const MAX_BYTES: usize = 254;

    /// Takes what a client sent.
    ///
    /// # Errors
    ///
    /// A [`Violation`] that says what is accepted.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        if text.is_empty() {
            return Err(Violation::new("required", "must not be empty"));
        }
        // Before it is measured: some letters are longer in lower case.
        let text: String = text.chars().flat_map(lower_beyond_ascii).collect();
        if text.len() > Self::MAX_BYTES {
            return Err(Violation::new("too_long", "must have at most 254 bytes"));
        }
        let options = email_address::Options::default()
            .with_required_tld()
            .without_domain_literal()
            .without_display_text();
        let quoted_or_blank = text.contains(|c: char| c == '"' || c.is_whitespace() || c.is_control());
        if quoted_or_blank || email_address::EmailAddress::parse_with_options(&text, options).is_err() {
            return Err(Violation::new(
                "invalid_address",
                "must be an e-mail address such as ada@example.org",
            ));
        }
        Ok(Self(text))
    }

    /// Takes what the database holds as it is: rows may be older than today's rules.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The address, with the case of its ASCII letters as its owner wrote them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn lower_beyond_ascii(c: char) -> impl Iterator<Item = char> {
    let (kept, lowered) = if c.is_ascii() { (Some(c), None) } else { (None, Some(c.to_lowercase())) };
    kept.into_iter().chain(lowered.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_and_international_addresses_are_taken() {
        for address in [
            "ada@example.org",
            "Ada+tag@Example.org",
            "o'neil@sub.example.co",
            "josé@exämple.org",
            "用户@例子.广告",
        ] {
            assert_eq!(EmailAddress::parse(address).unwrap().as_str(), address);
        }
    }

    #[test]
    fn letters_beyond_ascii_are_folded_and_ascii_kept() {
        assert_eq!(EmailAddress::parse("JOSÉ@Example.org").unwrap().as_str(), "JOSé@Example.org");
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        let long = format!("a@{}.org", "b".repeat(250));
        let longer_in_lower_case = format!("a@{}.org", "Ⱥ".repeat(120));
        for (address, code) in [
            ("", "required"),
            (long.as_str(), "too_long"),
            (longer_in_lower_case.as_str(), "too_long"),
            ("ada", "invalid_address"),
            ("ada@localhost", "invalid_address"),
            ("ada@[127.0.0.1]", "invalid_address"),
            ("Ada <ada@example.org>", "invalid_address"),
            ("\"a b\"@example.org", "invalid_address"),
            ("ada@example.org\r\nBcc: eve@example.org", "invalid_address"),
            ("ada@exa\0mple.org", "invalid_address"),
            ("ada@@example.org", "invalid_address"),
            ("ada@example..org", "invalid_address"),
        ] {
            assert_eq!(EmailAddress::parse(address).unwrap_err().code, code, "{address:?}");
        }
    }
}
