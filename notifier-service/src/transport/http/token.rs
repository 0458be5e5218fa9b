use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use thiserror::Error;

/// What an operator proves to be one with.
#[derive(Debug, Clone)]
pub struct OperatorToken(SecretString);

/// The text is no such token.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("it must be at least 32 characters of ASCII without blanks, such as `openssl rand -hex 32` prints")]
pub struct BadOperatorToken;

impl OperatorToken {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// [`BadOperatorToken`], which says what is accepted.
    pub fn parse(text: &str) -> Result<Self, BadOperatorToken> {
        let is_long_enough = text.len() >= 32 && text.len() <= 1000;
        if !is_long_enough || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BadOperatorToken);
        }
        Ok(Self(text.to_owned().into()))
    }

    /// Whether that is the token. Takes as long for a nearly right one as for any other.
    pub(super) fn is(&self, text: &str) -> bool {
        self.0.expose_secret().as_bytes().ct_eq(text.as_bytes()).into()
    }

    /// What a browser that gave the token is known by. The token cannot be told from it, and it is another one when the
    /// token is.
    pub(super) fn session(&self) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes())
            .expect("a key of any length is taken");
        mac.update(b"operator's session");
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether that is the session's value.
    pub(super) fn is_session(&self, value: &str) -> bool {
        self.session().as_bytes().ct_eq(value.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_long_token_without_blanks_is_taken() {
        assert!(OperatorToken::parse(&"t".repeat(32)).is_ok());
        for text in ["", "short", &"t".repeat(31), &" t".repeat(32), &"ü".repeat(32), &"t".repeat(1001)] {
            assert_eq!(OperatorToken::parse(text).unwrap_err(), BadOperatorToken, "{text:?}");
        }
    }

    #[test]
    fn a_session_is_of_its_token_and_does_not_tell_it() {
        let token = OperatorToken::parse(&"t".repeat(32)).unwrap();
        let other = OperatorToken::parse(&"u".repeat(32)).unwrap();
        assert!(token.is(&"t".repeat(32)) && !token.is(&"t".repeat(33)) && !token.is(""));
        assert!(token.is_session(&token.session()) && !token.is_session(&other.session()));
        assert!(!token.is_session(&"t".repeat(32)) && !token.is(&token.session()));
        assert!(!format!("{token:?}").contains("ttt"));
    }
}
