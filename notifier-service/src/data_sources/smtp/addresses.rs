use lettre::Address;

use crate::entities::Recipient;

/// A recipient as an envelope address, or `None` when no mail can be sent there at all.
///
/// An internationalised domain becomes its ASCII form, which every server takes; what is then still not
/// ASCII, the part before the `@`, needs a server that knows SMTPUTF8.
pub(super) fn envelope_address(recipient: &Recipient) -> Option<Address> {
    let (local, domain) = recipient.as_str().rsplit_once('@')?;
    if local.chars().any(char::is_control) {
        return None;
    }
    if domain.is_ascii() {
        return Address::new(local, domain).ok();
    }
    Address::new(local, idna::domain_to_ascii(domain).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<String> {
        envelope_address(&Recipient::new(text)).map(|address| address.to_string())
    }

    #[test]
    fn addresses_are_taken_as_they_are() {
        assert_eq!(address("Ada.L+x@Example.org").as_deref(), Some("Ada.L+x@Example.org"));
        assert_eq!(address("\"a b\"@example.org").as_deref(), Some("\"a b\"@example.org"));
    }

    #[test]
    fn an_internationalised_domain_is_written_in_ascii() {
        assert_eq!(address("ada@bücher.example").as_deref(), Some("ada@xn--bcher-kva.example"));
        assert_eq!(address("üda@bücher.example").as_deref(), Some("üda@xn--bcher-kva.example"));
    }

    #[test]
    fn what_is_no_address_or_could_smuggle_a_command_is_none() {
        for text in ["", "ada", "@example.org", "ada@", "a b@example.org", "a\r\nRCPT TO:<b@x>@example.org"] {
            assert_eq!(address(text), None, "{text:?}");
        }
        assert_eq!(address("\"a\r\nDATA\"@example.org"), None);
        assert_eq!(address("ada@example.org>\r\nDATA"), None);
    }
}
