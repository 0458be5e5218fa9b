//! Migrating while others do, beside a newer build, and with rows of an earlier one.

use std::time::Duration;

use notifier_service::data_sources::{MySqlNotificationLedger, SqliteNotificationLedger};
use notifier_service::entities::{Claimed, NotificationKind};
use notifier_service::repositories::NotificationLedger;
use sqlx::{AssertSqlSafe, Connection};

use crate::support::databases::{Backend, with_server_database};

const OF_A_NEWER_BUILD: &str = "INSERT INTO notifier_migrations \
     (version, description, success, checksum, execution_time) VALUES (999, 'newer', TRUE, 'x', 1)";

/// A row as the first release wrote it; `{now}` is of the database's own kind.
const OF_AN_EARLIER_RELEASE: &str = "INSERT INTO notifications \
     (id, eventId, userId, kind, recipient, locale, username, changed, recordedAt, dueAt) VALUES \
     (X'01010101010101010101010101010101', X'02020202020202020202020202020202', \
      X'03030303030303030303030303030303', 'registered', 'a@example.org', 'en', 'ada', '[]', {now}, {now})";

async fn an_earlier_releases_row_is_claimed(ledger: &dyn NotificationLedger) {
    let claimed = ledger.claim(10, Duration::from_secs(60)).await.unwrap();
    let [Claimed { notification, .. }] = claimed.as_slice() else { panic!("{claimed:?}") };
    assert_eq!(notification.kind, NotificationKind::Registered);
    assert_eq!(notification.link_purpose(), None);
}

async fn an_earlier_releases_row_on_a_server(url: String) {
    MySqlNotificationLedger::migrate(&url).await.unwrap();
    let mut connection = sqlx::MySqlConnection::connect(&url).await.unwrap();
    let insert = OF_AN_EARLIER_RELEASE.replace("{now}", "UTC_TIMESTAMP(6)");
    sqlx::raw_sql(AssertSqlSafe(insert)).execute(&mut connection).await.unwrap();
    let ledger = MySqlNotificationLedger::open(&url, 1).await.unwrap();
    an_earlier_releases_row_is_claimed(&ledger).await;
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_mariadb_an_earlier_releases_mail_is_sent_without_a_link() {
    with_server_database(Backend::MariaDb, async |url| {
        tokio::spawn(an_earlier_releases_row_on_a_server(url)).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_mysql_an_earlier_releases_mail_is_sent_without_a_link() {
    with_server_database(Backend::MySql, async |url| {
        tokio::spawn(an_earlier_releases_row_on_a_server(url)).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite_an_earlier_releases_mail_is_sent_without_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    SqliteNotificationLedger::migrate(&path).await.unwrap();
    let mut connection = sqlx::SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    let insert = OF_AN_EARLIER_RELEASE.replace("{now}", "0");
    sqlx::raw_sql(AssertSqlSafe(insert)).execute(&mut connection).await.unwrap();
    let ledger = SqliteNotificationLedger::open(&path).await.unwrap();
    an_earlier_releases_row_is_claimed(&ledger).await;
    ledger.close().await;
}

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
