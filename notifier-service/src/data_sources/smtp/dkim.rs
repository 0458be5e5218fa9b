use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use super::canonical::{Header, headers_and_body, relaxed_body, relaxed_header};

/// Signed although a mail has them once: nobody can add another one.
const NOT_TO_BE_ADDED: [&str; 4] = ["from", "to", "subject", "date"];
/// RFC 5322 asks for lines of 78 characters.
const SIGNATURE_PER_LINE: usize = 72;

/// Signs mail as a domain's own: DKIM, RFC 6376, with `rsa-sha256` or `ed25519-sha256` (RFC 8463).
///
/// All headers and the whole body are signed, in relaxed form both.
#[derive(Clone)]
pub struct DkimSigner {
    domain: String,
    selector: String,
    key: Arc<Key>,
}

enum Key {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A setting of DKIM is not usable. Never repeats the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadDkim {
    /// The key.
    #[error("it must be a private key as PEM: RSA of 2048 to 4096 bits, or Ed25519 (PKCS#8)")]
    Key,
    /// The selector.
    #[error("it must be a name of letters, digits, hyphens and dots, such as mail2026")]
    Selector,
    /// The domain.
    #[error("it must be a domain, such as example.org")]
    Domain,
}

impl DkimSigner {
    /// Signs by that key, whose public half is the TXT record `SELECTOR._domainkey.DOMAIN`.
    ///
    /// # Errors
    ///
    /// [`BadDkim`] says which of the three and what it accepts.
    pub fn parse(pem: &SecretString, selector: &str, domain: &str) -> Result<Self, BadDkim> {
        let domain = idna::domain_to_ascii(domain).map_err(|_| BadDkim::Domain)?;
        if !is_dns_name(&domain) || !domain.contains('.') {
            return Err(BadDkim::Domain);
        }
        if !is_dns_name(selector) {
            return Err(BadDkim::Selector);
        }
        let key = Key::parse(pem.expose_secret()).ok_or(BadDkim::Key)?;
        Ok(Self { domain, selector: selector.to_owned(), key: Arc::new(key) })
    }

    /// The message with its signature in front.
    pub(super) fn signed(&self, message: &[u8]) -> Vec<u8> {
        let (headers, body) = headers_and_body(message);
        let body_hash = STANDARD.encode(digest(&SHA256, &relaxed_body(body)));
        let unsigned = format!(
            "DKIM-Signature: v=1; a={}; c=relaxed/relaxed;\r\n\td={}; s={};\r\n\th={};\r\n\tbh={body_hash};\r\n\tb=",
            self.key.algorithm(),
            self.domain,
            self.selector,
            names(&headers).join(":\r\n\t "),
        );
        let mut signed_over = Vec::new();
        for header in &headers {
            signed_over.extend(relaxed_header(header));
            signed_over.extend(b"\r\n");
        }
        signed_over.extend(relaxed_header(&Header::of(unsigned.as_bytes())));
        let signature = STANDARD.encode(self.key.sign(&signed_over));
        let mut signed = unsigned.into_bytes();
        for line in signature.as_bytes().chunks(SIGNATURE_PER_LINE) {
            signed.extend(b"\r\n\t");
            signed.extend(line);
        }
        signed.extend(b"\r\n");
        signed.extend(message);
        signed
    }
}

/// The names for `h=`, in the order in which the headers are hashed. One that is named once more than it is there
/// adds nothing to the hash, and breaks the signature if somebody adds it.
fn names(headers: &[Header<'_>]) -> Vec<String> {
    let names = headers.iter().map(|header| header.name.to_ascii_lowercase());
    names.chain(NOT_TO_BE_ADDED.map(str::to_owned)).collect()
}

impl Key {
    fn parse(pem: &str) -> Option<Self> {
        match PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok()? {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).ok().map(Self::Rsa),
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                let rsa = RsaKeyPair::from_pkcs8(der).ok().map(Self::Rsa);
                // Without the public key in it too, as OpenSSL writes it.
                rsa.or_else(|| Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().map(Self::Ed25519))
            }
            _ => None,
        }
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "rsa-sha256",
            Self::Ed25519(_) => "ed25519-sha256",
        }
    }

    fn sign(&self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature)
                    .expect("a key that was accepted signs, into a buffer of its length");
                signature
            }
            // RFC 8463, section 3: what is signed is the hash.
            Self::Ed25519(key) => key.sign(digest(&SHA256, text).as_ref()).as_ref().to_vec(),
        }
    }
}

impl fmt::Debug for DkimSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DkimSigner({}._domainkey.{}, {})", self.selector, self.domain, self.key.algorithm())
    }
}

fn is_dns_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(is_letter)
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_KEY: &str = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";

    #[test]
    fn what_is_wrong_is_said_by_its_setting() {
        for (key, selector, domain, error) in [
            ("secret", "mail", "example.org", BadDkim::Key),
            (NO_KEY, "mail", "example.org", BadDkim::Key),
            ("secret", "", "example.org", BadDkim::Selector),
            ("secret", "a b", "example.org", BadDkim::Selector),
            ("secret", "mail;", "example.org", BadDkim::Selector),
            ("secret", "mail", "localhost", BadDkim::Domain),
            ("secret", "mail", "example..org", BadDkim::Domain),
        ] {
            let refused = DkimSigner::parse(&key.into(), selector, domain).unwrap_err();
            assert_eq!(refused, error, "{selector} {domain}");
            assert!(!refused.to_string().contains("secret"), "{refused}");
        }
    }
}
