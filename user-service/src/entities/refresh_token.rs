use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::SessionId;

const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

/// What a session is carried on with, once: the session's id and 256 random bits, in 64 characters of base64url.
/// Never shown by `Debug`.
#[derive(Debug)]
pub struct RefreshToken {
    session: SessionId,
    secret: SecretBox<[u8; SECRET_BYTES]>,
}

/// What is kept of a refresh token. A plain hash does: nobody guesses 256 random bits.
#[derive(Clone, Copy)]
pub struct RefreshHash([u8; 32]);

impl RefreshToken {
    /// A token of that session. The bytes must come from the system's source of randomness.
    pub fn new(session: SessionId, random: [u8; SECRET_BYTES]) -> Self {
        Self { session, secret: SecretBox::new(Box::new(random)) }
    }

    /// Reads what a client sent; `None` when it cannot be a token.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (id, secret) = bytes.split_at_checked(ID_BYTES)?;
        let session = SessionId(Uuid::from_slice(id).ok()?);
        Some(Self::new(session, secret.try_into().ok()?))
    }

    /// The token as its holder gets it.
    pub fn to_text(&self) -> SecretString {
        let bytes = [self.session.0.as_bytes().as_slice(), self.secret.expose_secret()].concat();
        URL_SAFE_NO_PAD.encode(bytes).into()
    }

    /// Whose it is.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// What is kept of it.
    pub fn hash(&self) -> RefreshHash {
        RefreshHash(Sha256::digest(self.secret.expose_secret()).into())
    }
}

impl RefreshHash {
    /// Takes what the database holds.
    pub fn from_stored(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// For the database.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for RefreshHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for RefreshHash {}

impl std::fmt::Debug for RefreshHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RefreshHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let token = RefreshToken::new(SessionId(Uuid::from_u128(7)), [9; 32]);
        let text = token.to_text();
        assert_eq!(text.expose_secret().len(), 64);
        let read = RefreshToken::parse(text.expose_secret()).unwrap();
        assert_eq!((read.session(), read.hash()), (token.session(), token.hash()));
        assert_ne!(token.hash(), RefreshToken::new(token.session(), [8; 32]).hash());
    }

    #[test]
    fn what_cannot_be_a_token_is_none() {
        for text in ["", "x", "not a token", &"A".repeat(63), &"A".repeat(68)] {
            assert!(RefreshToken::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        let token = RefreshToken::new(SessionId(Uuid::nil()), [77; 32]);
        let shown = format!("{token:?} {:?}", token.hash());
        assert!(!shown.contains("77"), "{shown}");
    }
}
