use mysql_async::IoError;
use mysql_common::proto::codec::error::PacketCodecError;
use thiserror::Error;

use crate::repositories::ChangeFeedError;

/// MySQL's and MariaDB's "access denied": for the user, the database, a statement, a privilege.
const ACCESS_DENIED: [u16; 5] = [1044, 1045, 1142, 1227, 1698];

/// What reading the log takes.
pub(super) const READ_LOG: &str = "REPLICATION SLAVE ON *.*";

/// Why the binary log cannot be followed.
#[derive(Debug, Error)]
pub(super) enum BinlogError {
    #[error("the URL of the database cannot be used for the binary log")]
    Url(#[source] mysql_async::Error),
    #[error("the server's setting {name} is {value}; outbox-binlog needs {needed}: {fix}")]
    Setting { name: &'static str, value: String, needed: &'static str, fix: String },
    #[error("the database user may not read the binary log; grant it: {0}")]
    Privilege(&'static str, #[source] mysql_async::Error),
    #[error("the server let nobody in, or refused a statement")]
    Refused(#[source] mysql_async::Error),
    #[error("the connection to the binary log is broken")]
    Connection(#[source] mysql_async::Error),
    #[error("the server took too long to {0}")]
    TimedOut(&'static str),
    #[error("the database could not be asked")]
    Database(#[source] sqlx::Error),
    #[error("the binary log's file {file} has grown beyond 4 GiB; it can be followed from the next file on")]
    Offset { file: String },
    #[error(
        "what the relay wrote to relayMarkers did not come by the binary log: is the database left out of it?"
    )]
    NoMarker,
    #[error("an event of the binary log is too large to be read")]
    TooLarge,
    #[error("an event of the binary log cannot be read")]
    Event(#[source] std::io::Error),
    #[error("rows of the table outbox in the binary log are not as this build knows them: {0}")]
    Layout(String),
    #[error("the server reports in its binary log that changes may be missing there")]
    Incident,
    #[error("the server ended the binary log")]
    Ended,
}

impl BinlogError {
    /// What went wrong when the server was asked; `privilege` says what is needed for it.
    pub(super) fn asking(privilege: &'static str) -> impl Fn(mysql_async::Error) -> Self {
        move |error| match &error {
            mysql_async::Error::Server(answer) if ACCESS_DENIED.contains(&answer.code) => {
                Self::Privilege(privilege, error)
            }
            _ => Self::Connection(error),
        }
    }

    /// What went wrong when the log was read.
    pub(super) fn reading(error: mysql_async::Error) -> Self {
        if let mysql_async::Error::Io(IoError::Io(io)) = &error
            && let Some(PacketCodecError::PacketTooLarge) =
                io.get_ref().and_then(|inner| inner.downcast_ref())
        {
            return Self::TooLarge;
        }
        Self::asking(READ_LOG)(error)
    }

    /// Whether the log is as it should be and only this part of it cannot be read, so that a sweep is all there is to
    /// do.
    pub(super) fn asks_for_a_sweep(&self) -> bool {
        matches!(self, Self::TooLarge | Self::Layout(_))
    }

    /// Whether somebody has to change something first. Everything else is mended by a sweep of the outbox and a new
    /// start.
    fn needs_help(&self) -> bool {
        match self {
            Self::Url(_) | Self::Setting { .. } | Self::Privilege(..) | Self::Refused(_) | Self::NoMarker => {
                true
            }
            Self::Connection(_)
            | Self::TimedOut(_)
            | Self::Database(_)
            | Self::Offset { .. }
            | Self::TooLarge
            | Self::Event(_)
            | Self::Layout(_)
            | Self::Incident
            | Self::Ended => false,
        }
    }
}

impl From<BinlogError> for ChangeFeedError {
    fn from(error: BinlogError) -> Self {
        match error {
            BinlogError::Database(error) => crate::data_sources::sql::feed_error(error),
            error if error.needs_help() => Self::Failed(Box::new(error)),
            error => Self::Unavailable(Box::new(error)),
        }
    }
}
