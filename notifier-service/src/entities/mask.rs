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

/// A text, such as a mail server's words, with the address masked, and everything else that looks like one.
/// Servers like to repeat the address in a refusal, and not always as they got it: in lower case, with the
/// domain in ASCII, or as what it was forwarded to.
pub fn mask_in(text: &str, address: &str) -> String {
    let masked;
    let mut rest = if address.is_empty() {
        text
    } else {
        masked = text.replace(address, &mask_address(address));
        &masked
    };
    let mut shown = String::with_capacity(text.len());
    while let Some((before, behind)) = rest.split_once('@') {
        let local =
            before.rfind(ends_address).map_or(before, |at| before[at..].trim_start_matches(ends_address));
        shown.push_str(&before[..before.len() - local.len()]);
        shown.extend(local.chars().next().filter(|first| *first != '*'));
        shown.push_str("***@");
        rest = behind;
    }
    shown.push_str(rest);
    shown
}

/// Whether that character in front of an address, as servers write it, does not belong to it.
fn ends_address(c: char) -> bool {
    c.is_whitespace() || matches!(c, '<' | '(' | '[' | '"' | '\'' | ':' | ';' | ',' | '@')
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
        assert_eq!(mask_in("550 \"a b\"@x.org", "\"a b\"@x.org"), "550 \"***@x.org");
    }

    #[test]
    fn an_address_is_masked_however_a_server_writes_it() {
        let cases = [
            (
                "550 5.1.1 <ada@xn--bcher-kva.example>: unknown",
                "550 5.1.1 <a***@xn--bcher-kva.example>: unknown",
            ),
            ("ADA@BÜCHER.EXAMPLE is full", "A***@BÜCHER.EXAMPLE is full"),
            ("550 for=ada.l@home.example, rfc822;eve@x.org", "550 f***@home.example, rfc822;e***@x.org"),
            ("550 @x.org a@b@c", "550 ***@x.org a***@b***@c"),
        ];
        for (words, masked) in cases {
            assert_eq!(mask_in(words, "ada@bücher.example"), masked);
        }
    }
}
