//! Settings that stop the start.

use std::net::SocketAddr;
use std::path::PathBuf;

use telemetry::logs::BadLogFilter;
use thiserror::Error;
use user_service::config::{BadKafkaSecurity, BadKeys, BadUrl};
use user_service::entities::Violation;

/// A setting that stops the start.
#[derive(Debug, Error)]
pub(crate) enum SettingError {
    #[error("--{flag} ({variable})")]
    BadUrl {
        flag: &'static str,
        variable: &'static str,
        #[source]
        source: BadUrl,
    },
    #[error(transparent)]
    Kafka(#[from] BadKafkaSecurity),
    #[error("--{flag} ({variable})")]
    BadKeys {
        flag: &'static str,
        variable: &'static str,
        #[source]
        source: BadKeys,
    },
    #[error("--{flag}-file ({variable}_FILE): {}", file.display())]
    BadKeyFile {
        flag: &'static str,
        variable: &'static str,
        file: PathBuf,
        #[source]
        source: BadKeys,
    },
    #[error(
        "--session-key (USER_SERVICE_SESSION_KEY): it must be another one than --action-token-key, \
         which the notifier has too"
    )]
    SameKeys,
    #[error("--{flag} ({variable}): {reason}")]
    BadValue { flag: &'static str, variable: &'static str, reason: String },
    #[error("--{flag} {}", .violation.message)]
    BadField { flag: &'static str, violation: Violation },
    #[error("--{flag} ({variable}) is missing; or give --{flag}-file ({variable}_FILE)")]
    Missing { flag: &'static str, variable: &'static str },
    #[error("--{flag}-file: {} cannot be read", file.display())]
    UnreadableFile {
        flag: &'static str,
        file: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("no password could be read")]
    NoPassword(#[source] std::io::Error),
    #[error("--log (USER_SERVICE_LOG)")]
    Log(#[source] BadLogFilter),
    #[error("--{flag} ({variable}): cannot listen on {address}")]
    Listen {
        flag: &'static str,
        variable: &'static str,
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
}
