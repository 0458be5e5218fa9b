use thiserror::Error;

use crate::repositories::LedgerError;

/// A ledger's database cannot be used.
#[derive(Debug, Error)]
pub enum OpenError {
    /// It cannot be reached, or refuses us.
    #[error("the ledger's database cannot be opened")]
    Connect(#[source] sqlx::Error),
    /// Its schema is not the one that this build works with.
    #[error("the ledger's database is not migrated to this version")]
    NotMigrated,
    /// Another process has been migrating it for too long.
    #[error("another process is migrating the ledger's database and does not come to an end")]
    Locked,
    /// A migration failed.
    #[error("the ledger's database cannot be migrated")]
    Migrate(#[source] sqlx::migrate::MigrateError),
}

/// Any trouble that is not known to be the data's fault: rather wait too long for an operator than drop
/// what might be recorded later.
pub(in crate::data_sources) fn unavailable(
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> LedgerError {
    LedgerError::Unavailable(error.into())
}
