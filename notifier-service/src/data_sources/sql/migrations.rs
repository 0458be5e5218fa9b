use sqlx::SqlSafeStr;
use sqlx::migrate::{AppliedMigration, Migration, MigrationType, Migrator};

/// Where applied migrations are noted. Not sqlx's default, so that the ledger can share a database with
/// other services.
pub(in crate::data_sources) const MIGRATIONS_TABLE: &str = "notifier_migrations";

/// A migrator over embedded scripts, numbered from 1 in their order. Forward only.
pub(in crate::data_sources) fn migrator(scripts: &[(&'static str, &'static str)]) -> Migrator {
    let migrations = (1..).zip(scripts).map(|(version, (name, sql))| {
        Migration::new(version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.dangerous_set_table_name(MIGRATIONS_TABLE);
    // A newer build may have applied more: old and new run side by side during an upgrade.
    migrator.set_ignore_missing(true);
    migrator
}

/// Whether every migration of this build was applied. Later ones, of a newer build, do not disturb: a
/// release only makes changes that the one before can live with.
pub(in crate::data_sources) fn is_up_to_date(migrator: &Migrator, applied: &[AppliedMigration]) -> bool {
    migrator.iter().all(|migration| {
        applied.iter().any(|one| one.version == migration.version && one.checksum == migration.checksum)
    })
}
