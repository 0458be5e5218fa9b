use std::fmt;

use thiserror::Error;

/// Under which URL people reach user-service, such as `https://accounts.example.org`: what links begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

/// The text is no such URL.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "it must be http://HOST[:PORT][/PATH] or https://HOST[:PORT][/PATH], in ASCII, without user, query and fragment"
)]
pub struct BadPublicUrl;

impl PublicUrl {
    /// Reads it; a slash at the end does not matter.
    ///
    /// # Errors
    ///
    /// [`BadPublicUrl`], which says what is accepted.
    pub fn parse(text: &str) -> Result<Self, BadPublicUrl> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let (authority, path) =
            rest.map(|rest| rest.split_once('/').unwrap_or((rest, ""))).ok_or(BadPublicUrl)?;
        // Narrower than what URLs may hold: whatever a mail program makes of a link, it stays one.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '%' | '/');
        if !is_authority(authority) || !path.chars().all(is_plain) {
            return Err(BadPublicUrl);
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }

    /// The host alone, without its port.
    pub fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or(self.0.as_str(), |(_, rest)| rest);
        let authority = rest.split('/').next().unwrap_or(rest);
        match authority.rfind(':') {
            Some(colon) if !authority.ends_with(']') => &authority[..colon],
            _ => authority,
        }
    }
}

/// A host with or without a port: a name, an IPv4 address, or an IPv6 address in brackets.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rfind(':') {
        Some(colon) if !text.ends_with(']') => (&text[..colon], Some(&text[colon + 1..])),
        _ => (text, None),
    };
    let is_port = |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let is_address = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.');
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_host = match address {
        Some(address) => !address.is_empty() && address.chars().all(is_address),
        None => !host.is_empty() && host.chars().all(is_name),
    };
    is_host && port.is_none_or(is_port)
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_taken_without_the_slash_at_its_end() {
        for (text, url) in [
            ("https://accounts.example.org", "https://accounts.example.org"),
            ("https://example.org/accounts/", "https://example.org/accounts"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://[::1]", "http://[::1]"),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().to_string(), url);
        }
    }

    #[test]
    fn its_host_is_told_without_the_port() {
        for (text, host) in [
            ("https://accounts.example.org/people/", "accounts.example.org"),
            ("http://127.0.0.1:8080", "127.0.0.1"),
            ("http://[::1]:8080/x", "[::1]"),
            ("http://[::1]", "[::1]"),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().host(), host);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "accounts.example.org",
            "ftp://accounts.example.org",
            "https://",
            "https:///path",
            "https://:8080",
            "https://host:port",
            "https://host:99999",
            "https://host:+80",
            "https://[::1",
            "https://[host]:80",
            "https://user:secret@host",
            "https://host/?page=1",
            "https://host?page=1",
            "https://host/#top",
            "https://host/two words",
            "https://host/\">",
            "https://bücher.example",
            " https://host",
        ] {
            assert_eq!(PublicUrl::parse(text), Err(BadPublicUrl), "{text:?}");
        }
    }
}
