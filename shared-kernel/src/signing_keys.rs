use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use thiserror::Error;

/// The fewest characters of a key: as long as the hash, which RFC 2104 calls for.
const MIN_CHARS: usize = 32;

/// Keys for HMAC-SHA256. The first signs; every one of them verifies, so that a key is replaced by putting a
/// new one in front, and taking the old one away once nothing signed by it counts any more. Never shown by
/// `Debug`.
#[derive(Debug, Clone)]
pub struct SigningKeys {
    first: SecretString,
    older: Vec<SecretString>,
}

/// The text holds no keys. It is not repeated.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("it must hold one or more keys of at least 32 characters each, separated by blanks or line breaks")]
pub struct BadKeys;

impl SigningKeys {
    /// Reads keys, the one to sign by first.
    ///
    /// # Errors
    ///
    /// [`BadKeys`], which says what is accepted.
    pub fn parse(text: &str) -> Result<Self, BadKeys> {
        let mut keys = text.split_whitespace();
        if text.split_whitespace().any(|key| key.chars().count() < MIN_CHARS) {
            return Err(BadKeys);
        }
        let first = keys.next().ok_or(BadKeys)?.into();
        Ok(Self { first, older: keys.map(SecretString::from).collect() })
    }

    /// The JSON Web Signature (RFC 7515, compact, HS256) of a payload. `kind` becomes the header's `typ`,
    /// which keeps tokens for one purpose from being taken for another (RFC 8725, section 3.11).
    pub fn sign(&self, kind: &'static str, payload: &[u8]) -> SecretString {
        let signed = format!("{}.{}", header(kind), URL_SAFE_NO_PAD.encode(payload));
        let signature = mac(&self.first, signed.as_bytes()).finalize().into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)).into()
    }

    /// The payload of a token that one of the keys has signed as of that kind. Compares in constant time.
    pub fn verify(&self, kind: &'static str, token: &str) -> Option<Vec<u8>> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (found, payload) = signed.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let genuine = std::iter::once(&self.first)
            .chain(&self.older)
            .any(|key| mac(key, signed.as_bytes()).verify_slice(&signature).is_ok());
        // The header is held against the only one that is ever made, and not read: it cannot choose how it is
        // verified.
        if !genuine || found != header(kind) {
            return None;
        }
        URL_SAFE_NO_PAD.decode(payload).ok()
    }

    /// Whether one key is in both: then each could sign what only the other one should.
    pub fn shares_a_key_with(&self, other: &Self) -> bool {
        let mine = std::iter::once(&self.first).chain(&self.older);
        mine.map(ExposeSecret::expose_secret).any(|key| {
            std::iter::once(&other.first).chain(&other.older).any(|theirs| theirs.expose_secret() == key)
        })
    }

    /// A keyed hash by the signing key, for telling whether two texts are the same without keeping them. Of
    /// another kind than any token's.
    pub fn fingerprint(&self, kind: &'static str, text: &[u8]) -> [u8; 32] {
        let mut mac = mac(&self.first, kind.as_bytes());
        mac.update(b"\0");
        mac.update(text);
        mac.finalize().into_bytes().into()
    }
}

fn header(kind: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"HS256","typ":"{kind}"}}"#))
}

fn mac(key: &SecretString, message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes())
        .expect("HMAC takes a key of any length");
    mac.update(message);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> SigningKeys {
        SigningKeys::parse(text).unwrap()
    }

    fn old() -> String {
        "o".repeat(32)
    }

    fn new() -> String {
        "n".repeat(32)
    }

    #[test]
    fn a_token_is_what_every_jwt_library_reads() {
        let token = keys(&old()).sign("at+jwt", br#"{"sub":"ada"}"#);
        // Computed with Python's hmac and base64.
        let expected = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJhZGEifQ.\
                        1OPdHkvNNiNwyCgH6JuFgxjrPkrpOB6bJfZe5qUSdfo";
        assert_eq!(token.expose_secret(), expected);
    }

    #[test]
    fn every_key_verifies_and_the_first_signs() {
        let before = keys(&old()).sign("k", b"x");
        let both = keys(&format!("{}\n{}\n", new(), old()));
        assert_eq!(both.verify("k", before.expose_secret()).unwrap(), b"x");
        let after = both.sign("k", b"x");
        assert_eq!(keys(&new()).verify("k", after.expose_secret()).unwrap(), b"x");
        assert_eq!(keys(&old()).verify("k", after.expose_secret()), None);
    }

    #[test]
    fn no_token_with_a_changed_bit_or_of_another_kind_is_genuine() {
        let keys = keys(&old());
        let token = keys.sign("k", b"{\"sub\":\"ada\"}");
        let token = token.expose_secret();
        assert!(keys.verify("k", token).is_some());
        assert_eq!(keys.verify("other", token), None);
        for position in 0..token.len() {
            for bit in 0..7 {
                let mut bytes = token.as_bytes().to_vec();
                bytes[position] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                assert_eq!(keys.verify("k", &changed), None, "bit {bit} of character {position}");
            }
        }
        for text in ["", ".", "..", "a.b.c", "a"] {
            assert_eq!(keys.verify("k", text), None, "{text:?}");
        }
    }

    #[test]
    fn a_key_that_two_share_is_found() {
        let both = keys(&format!("{} {}", new(), old()));
        assert!(both.shares_a_key_with(&keys(&old())) && keys(&old()).shares_a_key_with(&both));
        assert!(!keys(&new()).shares_a_key_with(&keys(&old())));
    }

    #[test]
    fn weak_or_missing_keys_are_refused_without_repeating_them() {
        for text in ["", " \n", "secret", &format!("{} secret", old())] {
            let error = SigningKeys::parse(text).unwrap_err().to_string();
            assert!(!error.contains("secret") && error.contains("32"), "{error}");
        }
        let shown = format!("{:?}", keys(&old()));
        assert!(!shown.contains(&old()), "{shown}");
    }
}
