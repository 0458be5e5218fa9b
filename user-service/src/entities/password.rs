use secrecy::{ExposeSecret, SecretString};

use super::Violation;

/// A password that somebody chose, before it is hashed. Never shown by `Debug`.
#[derive(Debug, Clone)]
pub struct NewPassword(SecretString);

impl NewPassword {
    /// Takes 8 to 128 characters, none of them a control character.
    ///
    /// # Errors
    ///
    /// A [`Violation`] that says what is accepted, and nothing of what was sent.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let chars = text.chars().count();
        if chars < 8 {
            return Err(Violation::new("too_short", "must have at least 8 characters"));
        }
        if chars > 128 {
            return Err(Violation::new("too_long", "must have at most 128 characters"));
        }
        if text.chars().any(char::is_control) {
            return Err(Violation::new("invalid_characters", "must not hold control characters"));
        }
        Ok(Self(text.into()))
    }

    /// For the hasher alone.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// A password that somebody gives to show who they are. It is held against a hash and follows no rule, since
/// rules may have been others when it was chosen. Never shown by `Debug`.
#[derive(Debug, Clone)]
pub struct GivenPassword(SecretString);

impl GivenPassword {
    /// Takes anything that could be a password: up to 1024 characters, none of them a control character.
    ///
    /// # Errors
    ///
    /// A [`Violation`] that says what is accepted.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        if text.is_empty() {
            return Err(Violation::new("required", "must not be empty"));
        }
        if text.chars().count() > 1024 {
            return Err(Violation::new("too_long", "must have at most 1024 characters"));
        }
        if text.chars().any(char::is_control) {
            return Err(Violation::new("invalid_characters", "must not hold control characters"));
        }
        Ok(Self(text.into()))
    }

    /// For the verifier alone.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// A password as it is stored: an argon2id PHC string. Never shown by `Debug`.
#[derive(Debug, Clone)]
pub struct PasswordHash(SecretString);

impl PasswordHash {
    /// Wraps a PHC string.
    pub fn new(phc: String) -> Self {
        Self(phc.into())
    }

    /// For the database and the verifier alone.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_counts_characters_and_control_characters_are_refused() {
        assert!(NewPassword::parse("pässwörd").is_ok());
        for (text, code) in
            [("short", "too_short"), (&*"x".repeat(129), "too_long"), ("pass\0word", "invalid_characters")]
        {
            assert_eq!(NewPassword::parse(text).unwrap_err().code, code);
        }
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        let shown = format!("{:?}", NewPassword::parse("correct horse").unwrap());
        assert!(!shown.contains("horse"), "{shown}");
    }
}
