//! Migrating while others do, and beside a newer build.

use notifier_service::data_sources::{MySqlNotificationLedger, SqliteNotificationLedger};
use sqlx::Connection;

use crate::support::databases::{Backend, with_server_database};

const OF_A_NEWER_BUILD: &str = "INSERT INTO notifier_migrations \
     (version, description, success, checksum, execution_time) VALUES (999, 'newer', TRUE, 'x', 1)";

async fn several_at_once_and_then_beside_a_newer_build(url: String) {
    let migrations: Vec<_> = (0..4)
        .map(|_| url.clone())
        .map(|url| tokio::spawn(async move { MySqlNotificationLedger::migrate(&url).await }))
        .collect();
    for migration in migrations {
        migration.await.unwrap().unwrap();
    }
    let mut connection = sqlx::MySqlConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(OF_A_NEWER_BUILD).execute(&mut connection).await.unwrap();
    MySqlNotificationLedger::migrate(&url).await.unwrap();
    MySqlNotificationLedger::open(&url, 1).await.unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_mariadb_several_take_turns_and_a_newer_builds_migration_is_left_alone() {
    with_server_database(Backend::MariaDb, async |url| {
        tokio::spawn(several_at_once_and_then_beside_a_newer_build(url)).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_mysql_several_take_turns_and_a_newer_builds_migration_is_left_alone() {
    with_server_database(Backend::MySql, async |url| {
        tokio::spawn(several_at_once_and_then_beside_a_newer_build(url)).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite_several_take_turns_and_a_newer_builds_migration_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let migrations: Vec<_> = (0..4)
        .map(|_| path.clone())
        .map(|path| tokio::spawn(async move { SqliteNotificationLedger::migrate(&path).await }))
        .collect();
    for migration in migrations {
        migration.await.unwrap().unwrap();
    }
    let mut connection = sqlx::SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    sqlx::raw_sql(OF_A_NEWER_BUILD).execute(&mut connection).await.unwrap();
    SqliteNotificationLedger::migrate(&path).await.unwrap();
    SqliteNotificationLedger::open(&path).await.unwrap().close().await;
}
