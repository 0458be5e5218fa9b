/// An address as it may be logged: the first character and the domain, such as `a***@example.org`.
/// What holds no `@` is masked whole.
pub fn mask_address(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            format!("{first}***@{domain}")
        }
        None => "***".to_owned(),
    }
}

/// A text, such as a mail server's words, with every occurrence of the address masked. Servers like to
/// repeat the address in a refusal.
pub fn mask_in(text: &str, address: &str) -> String {
    if address.is_empty() { text.to_owned() } else { text.replace(address, &mask_address(address)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_character_and_the_domain_are_shown() {
        assert_eq!(mask_address("ada@example.org"), "a***@example.org");
        assert_eq!(mask_address("ü@bücher.example"), "ü***@bücher.example");
        assert_eq!(mask_address("\"a@b\"@example.org"), "\"***@example.org");
        assert_eq!(mask_address("@example.org"), "***@example.org");
        assert_eq!(mask_address("not an address"), "***");
    }

    #[test]
    fn an_address_is_masked_inside_a_servers_words() {
        assert_eq!(mask_in("550 <ada@x.org>: no ada@x.org", "ada@x.org"), "550 <a***@x.org>: no a***@x.org");
        assert_eq!(mask_in("550 no", ""), "550 no");
    }
}
