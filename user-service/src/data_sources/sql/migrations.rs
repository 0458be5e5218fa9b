use sqlx::SqlSafeStr;
use sqlx::migrate::{AppliedMigration, MigrateError, Migration, MigrationType, Migrator};
use thiserror::Error;

/// Where applied migrations are noted. Not sqlx's default, so that the accounts can share a database with other
/// services.
const MIGRATIONS_TABLE: &str = "user_migrations";

/// Why a database cannot be brought to, or is not at, the version that this build needs.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// A migration could not be applied.
    #[error("the database could not be migrated")]
    Migrate(#[source] MigrateError),
    /// The version could not be read.
    #[error("the version of the database's schema could not be read")]
    Unreadable(#[source] sqlx::Error),
    /// Another process has been migrating for too long.
    #[error("another process is migrating the database and does not come to an end")]
    Locked,
    /// Migrations are missing.
    #[error("the database is not at the version of this build; run `user-service migrate`")]
    NotMigrated,
    /// A migration was applied in another form: by a build of other sources, or it was edited since.
    #[error("the database's migration {0} is another one than this build's of that number")]
    Altered(i64),
}

impl From<MigrateError> for SchemaError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMismatch(version) => Self::Altered(version),
            other => Self::Migrate(other),
        }
    }
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
    migrator.dangerous_set_table_name(MIGRATIONS_TABLE);
    // A newer build may have applied more: old and new run side by side during an upgrade.
    migrator.set_ignore_missing(true);
    migrator
}

/// Refuses unless everything that this build knows of was applied as this build has it.
pub(in crate::data_sources) fn check_applied(
    migrator: &Migrator,
    applied: &[AppliedMigration],
) -> Result<(), SchemaError> {
    for known in migrator.iter() {
        match applied.iter().find(|one| one.version == known.version) {
            None => return Err(SchemaError::NotMigrated),
            Some(one) if one.checksum != known.checksum => return Err(SchemaError::Altered(known.version)),
            Some(_) => {}
        }
    }
    Ok(())
}
