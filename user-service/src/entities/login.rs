use super::{EmailAddress, Username};

/// What somebody gives as their name to log in by, or to be sent a link to: a username or an address, which are
/// told apart by the `@` that no username has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// A username.
    Username(Username),
    /// An address.
    Email(EmailAddress),
    /// Neither; no account can have it.
    Neither,
}

impl Login {
    /// Never refuses: what is malformed is treated as what is unknown, so that an answer tells nothing.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        if text.contains('@') {
            EmailAddress::parse(text).map_or(Self::Neither, Self::Email)
        } else {
            Username::parse(text).map_or(Self::Neither, Self::Username)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_at_sign_makes_an_address() {
        assert!(matches!(Login::parse("ada"), Login::Username(_)));
        assert!(matches!(Login::parse(" Ada@Example.org "), Login::Email(_)));
        for text in ["", "@", "ada lovelace", "a\0"] {
            assert_eq!(Login::parse(text), Login::Neither, "{text:?}");
        }
    }
}
