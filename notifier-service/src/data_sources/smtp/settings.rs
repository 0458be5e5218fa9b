use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use lettre::Address;
use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use url::{Host, Url};

use super::dkim::DkimSigner;
use super::tls::Authorities;

/// Which server takes our mail, and how we speak to it.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// When the connection is encrypted.
    pub tls: SmtpTls,
    /// Who vouches for the server's certificate.
    pub authorities: Authorities,
    /// User name and password, where the server wants them.
    pub credentials: Option<(String, SecretString)>,
    /// The sender that readers see; bounces go there too.
    pub from: Mailbox,
    /// What signs the mails; `None` leaves them unsigned.
    pub dkim: Option<DkimSigner>,
    /// The longest wait for the answer to one command.
    pub command_timeout: Duration,
    /// The longest time for one mail, a new connection included.
    pub total_timeout: Duration,
    /// How many idle connections are kept for reuse.
    pub max_idle: usize,
}

/// When the connection is encrypted. The server's certificate is always checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// Never: for a server on the same machine.
    None,
    /// By STARTTLS if the server offers it.
    Opportunistic,
    /// By STARTTLS, or no mail is sent.
    Required,
    /// From the first byte (`smtps`).
    Implicit,
}

/// A setting is not usable. Never repeats the URL, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SmtpSettingsError {
    /// The server's URL.
    #[error("it must be smtp://[user:password@]host[:port][?tls=required|opportunistic] or smtps://…: {0}")]
    Url(&'static str),
    /// The password beside the URL.
    #[error("it must go with a URL that names the user and has no password of its own: {0}")]
    Password(&'static str),
    /// The sender.
    #[error("it must be an address such as accounts@example.org or \"Accounts <accounts@example.org>\"")]
    From,
}

impl SmtpSettings {
    /// Reads a URL and a sender, with 30 seconds for a command, 60 for a mail and 8 idle connections.
    ///
    /// Credentials are only accepted with `smtps` or `tls=required`, or for a server on this machine:
    /// otherwise they could be read on the way.
    ///
    /// # Errors
    ///
    /// [`SmtpSettingsError`] says which of the two and what it accepts.
    pub fn parse(url: &SecretString, from: &str) -> Result<Self, SmtpSettingsError> {
        Self::parse_with_password(url, None, from)
    }

    /// As [`parse`](Self::parse), with the password of the URL's user given beside it.
    ///
    /// # Errors
    ///
    /// [`SmtpSettingsError`] says which of the three and what it accepts.
    pub fn parse_with_password(
        url: &SecretString,
        password: Option<SecretString>,
        from: &str,
    ) -> Result<Self, SmtpSettingsError> {
        use SmtpSettingsError::Url as Bad;
        let url = Url::parse(url.expose_secret()).map_err(|_| Bad("this is no URL"))?;
        let tls = tls(&url)?;
        let host = match url.host() {
            Some(Host::Domain(name)) => host_name(name)?,
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err(Bad("the host is missing")),
        };
        if !matches!(url.path(), "" | "/") {
            return Err(Bad("there is a path"));
        }
        let credentials = credentials(&url, password)?;
        let is_encrypted = matches!(tls, SmtpTls::Required | SmtpTls::Implicit);
        if credentials.is_some() && !is_encrypted && !is_this_machine(&host) {
            return Err(Bad("a password needs smtps:// or ?tls=required"));
        }
        let port = url.port().unwrap_or(match tls {
            SmtpTls::Implicit => 465,
            SmtpTls::Required => 587,
            SmtpTls::None | SmtpTls::Opportunistic => 25,
        });
        Ok(Self {
            host,
            port,
            tls,
            authorities: Authorities::default(),
            credentials,
            from: sender(from).ok_or(SmtpSettingsError::From)?,
            dkim: None,
            command_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(60),
            max_idle: 8,
        })
    }
}

/// The sender with its domain in ASCII, as every server and reader takes it. A part before the `@` that is not
/// ASCII is none: mail of it needs SMTPUTF8 all the way.
fn sender(from: &str) -> Option<Mailbox> {
    let Mailbox { name, email } = from.parse().ok()?;
    if email.domain().is_ascii() {
        return email.user().is_ascii().then_some(Mailbox { name, email });
    }
    let domain = idna::domain_to_ascii(email.domain()).ok()?;
    let email = Address::new(email.user(), domain).ok().filter(|email| email.user().is_ascii())?;
    Some(Mailbox { name, email })
}

fn tls(url: &Url) -> Result<SmtpTls, SmtpSettingsError> {
    let mut tls = match url.scheme() {
        "smtp" => SmtpTls::None,
        "smtps" => SmtpTls::Implicit,
        _ => return Err(SmtpSettingsError::Url("the scheme is another one")),
    };
    for (name, value) in url.query_pairs() {
        tls = match (tls, &*name, &*value) {
            (SmtpTls::Implicit, "tls", _) => return Err(SmtpSettingsError::Url("smtps has no STARTTLS")),
            (_, "tls", "required") => SmtpTls::Required,
            (_, "tls", "opportunistic") => SmtpTls::Opportunistic,
            (_, "tls", _) => return Err(SmtpSettingsError::Url("tls is something else")),
            _ => return Err(SmtpSettingsError::Url("there is an unknown parameter")),
        };
    }
    Ok(tls)
}

fn credentials(
    url: &Url,
    beside: Option<SecretString>,
) -> Result<Option<(String, SecretString)>, SmtpSettingsError> {
    use SmtpSettingsError::{Password, Url as Bad};
    let decoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8();
        text.map(Cow::into_owned).map_err(|_| Bad("the password is no UTF-8"))
    };
    match (url.username(), url.password(), beside) {
        ("", None, None) => Ok(None),
        ("", None, Some(_)) => Err(Password("the URL names no user")),
        ("", Some(_), _) => Err(Bad("there is a password and no user")),
        (_, None, None) => Err(Bad("there is a user and no password")),
        (_, Some(_), Some(_)) => Err(Password("the URL has a password too")),
        (user, Some(password), None) => Ok(Some((decoded(user)?, SecretString::from(decoded(password)?)))),
        (user, None, Some(password)) => Ok(Some((decoded(user)?, password))),
    }
}

/// The URL standard leaves the host of an unknown scheme percent-encoded, and an address a mere name.
fn host_name(name: &str) -> Result<String, SmtpSettingsError> {
    let name = percent_decode_str(name).decode_utf8_lossy();
    idna::domain_to_ascii(&name).map_err(|_| SmtpSettingsError::Url("the host is no host name"))
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<SmtpSettings, SmtpSettingsError> {
        SmtpSettings::parse(&SecretString::from(url), "Accounts <accounts@example.org>")
    }

    #[test]
    fn each_way_of_encrypting_has_its_url_and_port() {
        let cases = [
            ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, SmtpTls::None),
            ("smtp://mail.example", "mail.example", 25, SmtpTls::None),
            ("smtp://mail.example?tls=opportunistic", "mail.example", 25, SmtpTls::Opportunistic),
            ("smtp://mail.example/?tls=required", "mail.example", 587, SmtpTls::Required),
            ("smtps://mail.example", "mail.example", 465, SmtpTls::Implicit),
            ("smtp://[::1]:2525", "::1", 2525, SmtpTls::None),
            ("smtp://bücher.example", "xn--bcher-kva.example", 25, SmtpTls::None),
        ];
        for (url, host, port, tls) in cases {
            let settings = parse(url).expect(url);
            assert_eq!((settings.host.as_str(), settings.port, settings.tls), (host, port, tls), "{url}");
        }
    }

    #[test]
    fn credentials_are_decoded_and_not_shown() {
        let settings = parse("smtps://ada%40example.org:p%3Ass@mail.example").unwrap();
        let (user, password) = settings.credentials.clone().unwrap();
        assert_eq!((user.as_str(), password.expose_secret()), ("ada@example.org", "p:ss"));
        assert!(!format!("{settings:?}").contains("p:ss"));
    }

    #[test]
    fn a_password_may_be_given_beside_the_url() {
        let parse =
            |url: &str| SmtpSettings::parse_with_password(&url.into(), Some("p@:ss".into()), "a@example.org");
        let (user, password) = parse("smtps://ada@mail.example").unwrap().credentials.unwrap();
        assert_eq!((user.as_str(), password.expose_secret()), ("ada", "p@:ss"));
        for (url, told) in [
            ("smtps://mail.example", "no user"),
            ("smtps://ada:secret@mail.example", "a password too"),
            ("smtp://ada@mail.example", "a password needs"),
        ] {
            let error = parse(url).expect_err(url).to_string();
            assert!(error.contains(told), "{url}: {error}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_url() {
        let cases = [
            ("mail.example", "no URL"),
            ("http://mail.example", "scheme"),
            ("smtp://", "host"),
            ("smtp://user@mail.example?tls=required", "no password"),
            ("smtp://user:secret@mail.example", "a password needs"),
            ("smtp://user:secret@mail.example?tls=opportunistic", "a password needs"),
            ("smtp://mail.example?tls=perhaps", "something else"),
            ("smtps://mail.example?tls=required", "no STARTTLS"),
            ("smtp://mail.example?pool=3", "unknown parameter"),
            ("smtp://mail.example/inbox", "path"),
        ];
        for (url, told) in cases {
            let error = parse(url).expect_err(url).to_string();
            assert!(error.contains(told), "{url}: {error}");
            assert!(!error.contains("secret"), "{url}: {error}");
        }
    }

    #[test]
    fn a_sender_must_be_an_address() {
        let url = SecretString::from("smtp://localhost");
        assert_eq!(SmtpSettings::parse(&url, "nobody").unwrap_err(), SmtpSettingsError::From);
        let settings = SmtpSettings::parse(&url, "accounts@example.org").unwrap();
        assert_eq!(settings.from.email.domain(), "example.org");
        let settings = SmtpSettings::parse(&url, "Bücher <accounts@bücher.example>").unwrap();
        assert_eq!(settings.from.email.to_string(), "accounts@xn--bcher-kva.example");
        assert_eq!(settings.from.name.as_deref(), Some("Bücher"));
        assert_eq!(SmtpSettings::parse(&url, "bücher@example.org").unwrap_err(), SmtpSettingsError::From);
    }
}
