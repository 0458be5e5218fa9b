use mysql_async::IoError;
use mysql_common::proto::codec::error::PacketCodecError;
use thiserror::Error;

use crate::repositories::ChangeFeedError;

/// MySQL's and MariaDB's "access denied": for the user, the database, a statement, a privilege.
const ACCESS_DENIED: [u16; 5] = [1044, 1045, 1142, 1227, 1698];

/// MySQL's and MariaDB's "fatal error when reading the binary log": it is not where it was asked for, most of all.
const CANNOT_READ: u16 = 1236;

/// What reading the log takes.
pub(super) const READ_LOG: &str = "REPLICATION SLAVE ON *.*";

/// Why the binary log cannot be followed.
#[derive(Debug, Error)]
pub(super) enum BinlogError {
    #[error("the URL of the database cannot be used for the binary log")]
    Url(#[source] mysql_async::Error),
    #[error("the server's setting {name} is {value}; capturing from the binary log needs {needed}: {fix}")]
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
    #[error("an event of the binary log is too large to be read at once ({file} at {offset})")]
    LargeEvent { file: String, offset: u64 },
    #[error("a large event has been read")]
    BehindLargeEvent,
    #[error("an event of the binary log cannot be read")]
    Event(#[source] std::io::Error),
    #[error("rows of the table outbox in the binary log are not as this build knows them: {0}")]
    Layout(String),
    #[error("the server reports in its binary log that changes may be missing there")]
    Incident,
    #[error("the server ended the binary log")]
    Ended,
    #[error("the server could not read its binary log")]
    Unreadable(#[source] mysql_async::Error),
    #[error("the stored position cannot be gone on from")]
    Place(#[source] PlaceError),
    #[error("another relay has taken over the stored position")]
    Superseded,
    #[error(
        "the columns of the table users cannot be seen, and the binary log does not tell them: grant SELECT ON users, or \
         SET GLOBAL binlog_row_metadata = FULL"
    )]
    NoColumns,
}

/// Why a stored position is of no use. Each says what to do.
#[derive(Debug, Error)]
pub(super) enum PlaceError {
    #[error(
        "the binary log no longer has what comes behind it ({place}): missed were {missed}. What user-service itself \
         changed in between is still in the outbox; what other programs changed is told by nobody. To go on from the \
         present end of the log, run `user-service forget-relay-position`, and let the server keep its log for \
         longer (binlog_expire_logs_seconds)"
    )]
    Purged { missed: String, place: String },
    #[error(
        "it is of another server, {stored}, by file and offset ({place}), and this is {found}. Connect to that one, or \
         run `user-service forget-relay-position` to go on from the present end of this one's log: what other programs \
         changed in between is told by nobody. With gtid_mode=ON a relay can follow from server to server"
    )]
    AnotherServer { stored: String, found: String, place: String },
    #[error(
        "it is ahead of this server, which has not got {unknown}: was it restored from a backup, or is it behind the \
         one that was followed before? Wait until it has caught up, or run `user-service forget-relay-position` to go \
         on from the present end of its log"
    )]
    Ahead { unknown: String },
    #[error(
        "the transaction that comes then ({place}) is compressed, since binlog_transaction_compression is ON, and takes \
         {needed} MiB when it is unpacked; the relay takes {most}. Start it with --relay-event-mib {needed}, or more, \
         until it is behind this one, and SET GLOBAL binlog_transaction_compression = OFF, or make smaller transactions"
    )]
    LargeTransaction { place: String, needed: u64, most: usize },
    #[error(
        "the event that comes then ({place}, {kind}) takes {needed} MiB, and the relay takes {most}: start it with \
         --relay-event-mib {needed}, or more, until it is behind this one"
    )]
    LargeEvent { place: String, kind: String, needed: u64, most: usize },
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
        match error {
            mysql_async::Error::Server(answer) if answer.code == CANNOT_READ => {
                Self::Unreadable(mysql_async::Error::Server(answer))
            }
            error => Self::asking(READ_LOG)(error),
        }
    }

    /// Where it is, of an event that is too large.
    pub(super) fn with_place(self, file: &str, offset: u64) -> Self {
        match self {
            Self::TooLarge => Self::LargeEvent { file: file.to_owned(), offset },
            other => other,
        }
    }

    /// What it means when it is the first answer of a server that was asked for its log from a stored place on.
    pub(super) fn at_start(self, place: &str) -> Self {
        match self {
            Self::Unreadable(answer) => {
                let missed = format!("changes of unknown number (the server says: {answer})");
                Self::Place(PlaceError::Purged { missed, place: place.to_owned() })
            }
            other => other,
        }
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
            Self::Url(_)
            | Self::Setting { .. }
            | Self::Privilege(..)
            | Self::Refused(_)
            | Self::NoMarker
            | Self::NoColumns
            | Self::Place(_) => true,
            Self::Connection(_)
            | Self::TimedOut(_)
            | Self::Database(_)
            | Self::Offset { .. }
            | Self::TooLarge
            | Self::LargeEvent { .. }
            | Self::BehindLargeEvent
            | Self::Event(_)
            | Self::Layout(_)
            | Self::Incident
            | Self::Unreadable(_)
            | Self::Superseded
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
