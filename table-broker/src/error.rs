//! What can go wrong, and whether a retry can help.

use std::path::PathBuf;

/// A broker operation that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// The topic was never created.
    #[error("topic {topic:?} does not exist")]
    TopicMissing {
        /// The topic asked for.
        topic: String,
    },
    /// The topic exists with another number of partitions. It can't be changed, since keys would move.
    #[error("topic {topic:?} has {existing} partitions, not the {requested} asked for")]
    PartitionCountDiffers {
        /// The topic asked for.
        topic: String,
        /// How many partitions it has.
        existing: u32,
        /// How many were asked for.
        requested: u32,
    },
    /// A topic needs at least one partition.
    #[error("topic {topic:?} can not have 0 partitions")]
    NoPartitions {
        /// The topic that was to be created.
        topic: String,
    },
    /// The topic has fewer partitions than that.
    #[error("topic {topic:?} has {partitions} partitions: there is no partition {partition}")]
    PartitionMissing {
        /// The topic asked for.
        topic: String,
        /// The partition asked for.
        partition: u32,
        /// How many partitions the topic has.
        partitions: u32,
    },
    /// The records weren't read under a lease that this consumer still holds: another member may have read them
    /// too, and their offset was not committed. Where several partitions are concerned, the lowest is named.
    #[error("partition {partition} is no longer held under the lease by which its records were read")]
    Fenced {
        /// The partition whose lease was lost.
        partition: u32,
    },
    /// A record's headers, as stored, can't be read: something other than this crate wrote them.
    #[error("the stored headers of the record at partition {partition}, offset {offset} are not readable")]
    HeadersUnreadable {
        /// The record's partition.
        partition: u32,
        /// The record's offset.
        offset: u64,
    },
    /// The broker was closed.
    #[error("the broker is closed")]
    Closed,
    /// The database file could not be opened.
    #[error("could not open the broker's database {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the database said.
        source: sqlx::Error,
    },
    /// The database's schema could not be brought up to date.
    #[error("could not migrate the broker's database {}", path.display())]
    Migrate {
        /// The file.
        path: PathBuf,
        /// What the migrator said.
        source: sqlx::migrate::MigrateError,
    },
    /// A statement failed.
    #[error("could not {action}")]
    Database {
        /// What was being done, as a verb phrase.
        action: &'static str,
        /// What the database said.
        source: sqlx::Error,
    },
}

impl BrokerError {
    /// Whether the very same call may succeed later: the database is locked, short of memory or disk, or its
    /// files can't be reached. `false` where only another call, or a repair, can help; [`BrokerError::Fenced`] is
    /// one of these: the records will come again, to whoever holds the partition.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Open { source, .. } | Self::Database { source, .. } => is_transient(source),
            Self::Migrate { source: sqlx::migrate::MigrateError::Execute(source), .. } => {
                is_transient(source)
            }
            _ => false,
        }
    }
}

/// Whether the database may get over `error` by itself.
pub(crate) fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed | sqlx::Error::Io(_) => true,
        // https://www.sqlite.org/rescode.html: the low byte of an extended code is the primary one. In turn: BUSY,
        // LOCKED, NOMEM, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL.
        sqlx::Error::Database(error) => error
            .code()
            .and_then(|code| code.parse::<i32>().ok())
            .is_some_and(|code| matches!(code & 0xff, 5 | 6 | 7 | 9 | 10 | 13 | 14 | 15)),
        _ => false,
    }
}

/// Says what was being done when the database failed.
pub(crate) trait During<T> {
    /// `action` completes "could not …".
    fn during(self, action: &'static str) -> Result<T, BrokerError>;
}

impl<T> During<T> for Result<T, sqlx::Error> {
    fn during(self, action: &'static str) -> Result<T, BrokerError> {
        self.map_err(|source| match source {
            sqlx::Error::PoolClosed => BrokerError::Closed,
            source => BrokerError::Database { action, source },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_timeout_is_retryable_and_a_missing_topic_is_not() {
        let timeout: Result<(), _> = Err(sqlx::Error::PoolTimedOut);
        assert!(timeout.during("append records").unwrap_err().is_retryable());
        assert!(!BrokerError::TopicMissing { topic: "t".to_owned() }.is_retryable());
        assert!(!BrokerError::Fenced { partition: 0 }.is_retryable());
    }

    #[test]
    fn display_leaves_the_source_to_the_source() {
        let result: Result<(), _> = Err(sqlx::Error::PoolTimedOut);
        let error = result.during("append records").unwrap_err();
        assert_eq!(error.to_string(), "could not append records");
        assert!(error.source().is_some());
    }

    #[test]
    fn a_closed_pool_is_a_closed_broker() {
        let result: Result<(), _> = Err(sqlx::Error::PoolClosed);
        assert!(matches!(result.during("append records"), Err(BrokerError::Closed)));
    }
}
