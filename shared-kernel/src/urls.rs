//! How both services are told where their database and the topic are.

use std::path::PathBuf;

use secrecy::SecretString;
use thiserror::Error;

/// A service's database.
#[derive(Debug, Clone)]
pub enum DatabaseUrl {
    /// A MySQL or MariaDB server, by its URL, which may hold a password.
    MySql(SecretString),
    /// A SQLite file.
    Sqlite(PathBuf),
}

/// The broker that both services must mean the same by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrokerUrl {
    /// Kafka brokers, `host:port`, comma-separated.
    Kafka(String),
    /// The table-broker's SQLite file.
    Table(PathBuf),
}

/// A setting holds what it cannot hold. The value itself is not repeated: it may be a secret.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("it must be {accepted}")]
pub struct BadUrl {
    accepted: &'static str,
}

impl DatabaseUrl {
    /// Reads `mysql://user:password@host:port/database` or `sqlite://PATH`.
    ///
    /// # Errors
    ///
    /// [`BadUrl`], which says what is accepted.
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        if url.starts_with("mysql://") {
            return Ok(Self::MySql(url.into()));
        }
        match url.strip_prefix("sqlite://") {
            Some(path) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            _ => Err(BadUrl { accepted: "mysql://USER:PASSWORD@HOST:PORT/DATABASE or sqlite://PATH" }),
        }
    }
}

impl BrokerUrl {
    /// Reads `kafka://host:port,host:port` or `table://PATH`.
    ///
    /// # Errors
    ///
    /// [`BadUrl`], which says what is accepted.
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        match (url.strip_prefix("kafka://"), url.strip_prefix("table://")) {
            (Some(brokers), _) if !brokers.is_empty() => Ok(Self::Kafka(brokers.to_owned())),
            (_, Some(path)) if !path.is_empty() => Ok(Self::Table(path.into())),
            _ => Err(BadUrl { accepted: "kafka://HOST:PORT[,HOST:PORT…] or table://PATH" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_or_refused_without_repeating_them() {
        assert!(matches!(DatabaseUrl::parse("mysql://u:secret@h/db"), Ok(DatabaseUrl::MySql(_))));
        assert!(
            matches!(DatabaseUrl::parse("sqlite:///tmp/x.db"), Ok(DatabaseUrl::Sqlite(path)) if path == *"/tmp/x.db")
        );
        assert_eq!(BrokerUrl::parse("kafka://a:1,b:2"), Ok(BrokerUrl::Kafka("a:1,b:2".into())));
        assert_eq!(BrokerUrl::parse("table://data/broker.db"), Ok(BrokerUrl::Table("data/broker.db".into())));
        for url in ["", "postgres://u:secret@h/db", "sqlite://", "kafka://", "table://", "secret"] {
            let error = DatabaseUrl::parse(url).map(drop).or(BrokerUrl::parse(url).map(drop)).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
