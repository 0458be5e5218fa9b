use std::path::{Path, PathBuf};

use secrecy::SecretString;
use thiserror::Error;

/// How connections to Kafka are kept from others, and who we are there; by default in the clear, and nobody.
#[derive(Debug, Clone, Default)]
pub struct KafkaSecurity {
    /// Whether TLS is asked for where nothing else asks for it.
    pub tls: bool,
    /// The certificates of the authorities that the brokers' are verified by, as PEM; `None` for those of the machine.
    pub authorities: Option<String>,
    /// What brokers that demand a certificate are shown.
    pub certificate: Option<ClientCertificate>,
    /// Who we are to brokers that demand a password.
    pub scram: Option<Scram>,
}

impl KafkaSecurity {
    /// Whether anything of it needs TLS. A password does: with SCRAM it is not sent, but who could read along could guess it.
    pub fn needs_tls(&self) -> bool {
        self.tls || self.authorities.is_some() || self.certificate.is_some() || self.scram.is_some()
    }
}

/// A certificate, and the key that belongs to it.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// The certificate, and those between it and an authority, as PEM.
    pub certificate: String,
    /// The private key, as PEM and not encrypted.
    pub key: SecretString,
}

/// An account of SASL/SCRAM (RFC 5802).
#[derive(Debug, Clone)]
pub struct Scram {
    /// Which hash.
    pub mechanism: ScramMechanism,
    /// Whose it is.
    pub username: String,
    /// What proves it.
    pub password: SecretString,
}

/// The hash of a SCRAM account, as brokers keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScramMechanism {
    /// `SCRAM-SHA-256`
    Sha256,
    /// `SCRAM-SHA-512`
    #[default]
    Sha512,
}

impl ScramMechanism {
    /// As Kafka calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }
}

impl std::str::FromStr for ScramMechanism {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = [Self::Sha256, Self::Sha512].into_iter().find(|it| it.name().eq_ignore_ascii_case(name));
        known.ok_or_else(|| "it must be SCRAM-SHA-256 or SCRAM-SHA-512".to_owned())
    }
}

/// [`KafkaSecurity`] as a command line gives it. Each field is a setting of the same name.
#[derive(Debug, Clone, Default)]
pub struct KafkaSecuritySettings {
    /// `kafka-tls`
    pub tls: bool,
    /// `kafka-ca-file`
    pub ca_file: Option<PathBuf>,
    /// `kafka-certificate-file`
    pub certificate_file: Option<PathBuf>,
    /// `kafka-key-file`
    pub key_file: Option<PathBuf>,
    /// `kafka-username`
    pub username: Option<String>,
    /// `kafka-password`
    pub password: Option<SecretString>,
    /// `kafka-password-file`, whose last line break does not belong to the password
    pub password_file: Option<PathBuf>,
    /// `kafka-mechanism`
    pub mechanism: ScramMechanism,
}

/// A setting for the security of Kafka that cannot be used.
#[derive(Debug, Error)]
pub enum BadKafkaSecurity {
    /// The file cannot be read.
    #[error("--{setting}: {} cannot be read", file.display())]
    Unreadable {
        /// The setting.
        setting: &'static str,
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// What is in the file is something else.
    #[error("--{setting}: {} holds no {what} as PEM", file.display())]
    NotPem {
        /// The setting.
        setting: &'static str,
        /// The file.
        file: PathBuf,
        /// What should be in it.
        what: &'static str,
    },
    /// One of the two settings is of no use without the other.
    #[error("--{setting} needs --{missing} too")]
    Half {
        /// The one that is there.
        setting: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
}

impl KafkaSecuritySettings {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// [`BadKafkaSecurity`], which names the setting.
    pub fn read(self) -> Result<KafkaSecurity, BadKafkaSecurity> {
        let half = |setting, missing| Err(BadKafkaSecurity::Half { setting, missing });
        let authorities = self.ca_file.map(|file| pem("kafka-ca-file", file, CERTIFICATE)).transpose()?;
        let certificate = match (self.certificate_file, self.key_file) {
            (Some(certificate), Some(key)) => Some(ClientCertificate {
                certificate: pem("kafka-certificate-file", certificate, CERTIFICATE)?,
                key: pem("kafka-key-file", key, PRIVATE_KEY)?.into(),
            }),
            (Some(_), None) => return half("kafka-certificate-file", "kafka-key-file"),
            (None, Some(_)) => return half("kafka-key-file", "kafka-certificate-file"),
            (None, None) => None,
        };
        let password = match (self.password, self.password_file) {
            (Some(password), _) => Some(password),
            (None, Some(file)) => {
                let text = text("kafka-password-file", &file)?;
                Some(text.trim_end_matches(['\r', '\n']).into())
            }
            (None, None) => None,
        };
        let scram = match (self.username, password) {
            (Some(username), Some(password)) => Some(Scram { mechanism: self.mechanism, username, password }),
            (Some(_), None) => return half("kafka-username", "kafka-password-file"),
            (None, Some(_)) => return half("kafka-password", "kafka-username"),
            (None, None) => None,
        };
        Ok(KafkaSecurity { tls: self.tls, authorities, certificate, scram })
    }
}

/// What the file should hold, and how the line ends that begins it.
type Pem = (&'static str, &'static str);
const CERTIFICATE: Pem = ("certificate", "CERTIFICATE-----");
const PRIVATE_KEY: Pem = ("private key", "PRIVATE KEY-----");

fn pem(setting: &'static str, file: PathBuf, (what, label): Pem) -> Result<String, BadKafkaSecurity> {
    let text = text(setting, &file)?;
    if text.lines().any(|line| line.starts_with("-----BEGIN ") && line.trim_end().ends_with(label)) {
        Ok(text)
    } else {
        Err(BadKafkaSecurity::NotPem { setting, file, what })
    }
}

fn text(setting: &'static str, file: &Path) -> Result<String, BadKafkaSecurity> {
    std::fs::read_to_string(file).map_err(|source| BadKafkaSecurity::Unreadable {
        setting,
        file: file.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(settings: KafkaSecuritySettings) -> String {
        settings.read().unwrap_err().to_string()
    }

    #[test]
    fn a_setting_that_is_of_no_use_is_named() {
        let manifest = || Some(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")));
        let none = KafkaSecuritySettings::default;
        let said = refused(KafkaSecuritySettings { ca_file: Some("/not/there".into()), ..none() });
        assert_eq!(said, "--kafka-ca-file: /not/there cannot be read");
        let said = refused(KafkaSecuritySettings { ca_file: manifest(), ..none() });
        assert!(
            said.starts_with("--kafka-ca-file: ") && said.ends_with("holds no certificate as PEM"),
            "{said}"
        );
        let said = refused(KafkaSecuritySettings { certificate_file: manifest(), ..none() });
        assert_eq!(said, "--kafka-certificate-file needs --kafka-key-file too");
        let said = refused(KafkaSecuritySettings { username: Some("relay".to_owned()), ..none() });
        assert_eq!(said, "--kafka-username needs --kafka-password-file too");
        assert!("plain".parse::<ScramMechanism>().is_err());
    }

    #[test]
    fn the_last_line_break_of_a_file_is_not_of_the_password() {
        use secrecy::ExposeSecret as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "secret \n").unwrap();
        let settings = KafkaSecuritySettings {
            username: Some("relay".to_owned()),
            password_file: Some(file),
            mechanism: "scram-sha-256".parse().unwrap(),
            ..KafkaSecuritySettings::default()
        };
        let read = settings.read().unwrap();
        assert!(read.needs_tls() && !KafkaSecurity::default().needs_tls());
        let scram = read.scram.unwrap();
        assert_eq!((scram.password.expose_secret(), scram.mechanism.name()), ("secret ", "SCRAM-SHA-256"));
    }
}
