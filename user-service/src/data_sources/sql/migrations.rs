use sqlx::SqlSafeStr;
use sqlx::migrate::{AppliedMigration, Migration, MigrationType, Migrator};
use thiserror::Error;

/// Why a database cannot be brought to, or is not at, the version that this build needs.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// A migration could not be applied.
    #[error("the database could not be migrated")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// The version could not be read.
    #[error("the version of the database's schema could not be read")]
    Unreadable(#[source] sqlx::Error),
    /// Another process has been migrating for too long.
    #[error("another process is migrating the database and does not come to an end")]
    Locked,
    /// Migrations are missing.
    #[error("the database is not at the version of this build; run `user-service migrate`")]
    NotMigrated,
}

/// Forward-only migrations: number, description, SQL.
pub(in crate::data_sources) fn migrator(files: &[(i64, &'static str, &'static str)]) -> Migrator {
    let migrations = files
        .iter()
        .map(|&(version, description, sql)| {
            Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
        })
        .collect();
    let mut migrator = Migrator::with_migrations(migrations);
    // A newer build may have applied more: old and new run side by side during an upgrade.
    migrator.set_ignore_missing(true);
    migrator
}

/// Whether everything that this build knows of was applied.
pub(in crate::data_sources) fn is_current(migrator: &Migrator, applied: &[AppliedMigration]) -> bool {
    migrator.iter().all(|known| applied.iter().any(|one| one.version == known.version))
}
