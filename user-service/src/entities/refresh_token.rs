use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::{Digest, Sha256};
use shared_kernel::SigningKeys;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::SessionId;

const KIND: &str = "inf-user-refresh";
const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

/// What a session is carried on with, once: the session's id and 256 random bits, signed. The signature shows that a
/// token was given out once, also when it counts no more: nobody else's invention can end a session. Never shown by
/// `Debug`.
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

    /// Reads what a client sent; `None` when it was never given out.
    pub fn verify(text: &str, keys: &SigningKeys) -> Option<Self> {
        let bytes = keys.verify(KIND, text)?;
        let (id, secret) = bytes.split_at_checked(ID_BYTES)?;
        let session = SessionId(Uuid::from_slice(id).ok()?);
        Some(Self::new(session, secret.try_into().ok()?))
    }

    /// The token as its holder gets it.
    pub fn sign(&self, keys: &SigningKeys) -> SecretString {
        keys.sign(KIND, &[self.session.0.as_bytes().as_slice(), self.secret.expose_secret()].concat())
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

    fn keys(letter: &str) -> SigningKeys {
        SigningKeys::parse(&letter.repeat(32)).unwrap()
    }

    #[test]
    fn what_is_signed_is_read_back() {
        let token = RefreshToken::new(SessionId(Uuid::from_u128(7)), [9; 32]);
        let text = token.sign(&keys("k"));
        let read = RefreshToken::verify(text.expose_secret(), &keys("k")).unwrap();
        assert_eq!((read.session(), read.hash()), (token.session(), token.hash()));
        assert_ne!(token.hash(), RefreshToken::new(token.session(), [8; 32]).hash());
    }

    #[test]
    fn what_was_never_given_out_is_no_token() {
        let forged = RefreshToken::new(SessionId(Uuid::from_u128(7)), [9; 32]).sign(&keys("x"));
        let too_long = keys("k").sign(KIND, &[0; 49]);
        for text in ["", "x", "not a token", forged.expose_secret(), too_long.expose_secret()] {
            assert!(RefreshToken::verify(text, &keys("k")).is_none(), "{text:?}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        let token = RefreshToken::new(SessionId(Uuid::nil()), [77; 32]);
        let shown = format!("{token:?} {:?}", token.hash());
        assert!(!shown.contains("77"), "{shown}");
    }
}
