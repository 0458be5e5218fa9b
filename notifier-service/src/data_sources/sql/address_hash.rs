use sha2::{Digest, Sha256};

use crate::entities::Recipient;

/// What an address is found by where the address itself is not kept. Domains are the same in upper and lower
/// case; what is before the `@` need not be.
pub(in crate::data_sources) fn address_hash(address: &Recipient) -> Vec<u8> {
    let address = address.as_str();
    let normal = match address.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
        None => address.to_owned(),
    };
    Sha256::digest(normal.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_domain_is_the_same_in_any_case() {
        let hash = |address: &str| address_hash(&Recipient::new(address));
        assert_eq!(hash("ada@Example.ORG"), hash("ada@example.org"));
        assert_eq!(hash("ada@BÜCHER.example"), hash("ada@bücher.example"));
        assert_ne!(hash("Ada@example.org"), hash("ada@example.org"));
        assert_eq!(hash("nobody").len(), 32);
    }
}
