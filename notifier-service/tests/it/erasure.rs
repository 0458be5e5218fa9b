//! The whole service, when a user is deleted and when a topic is read again from its beginning.

use std::path::Path;
use std::time::Duration;

use notifier_service::composition;
use notifier_service::config::NotifierConfig;
use notifier_service::entities::Retention;
use notifier_service::repositories::LedgerCounts;
use shared_kernel::{CDC_PARTITIONS, CDC_TOPIC, EventType, Op, UserEvent, encode};
use sqlx::{Connection, Row};
use table_broker::TableBroker;
use tokio_util::sync::CancellationToken;

use crate::composition::{append, config};
use crate::support::events::updated;
use crate::support::eventually;
use crate::support::smtp_server::{Act, Session, SmtpServer};

/// Tables of the ledger, with the columns that are about a person.
const PERSONAL: [(&str, &[&str]); 2] = [
    (
        "notifications",
        &["recipient", "username", "fullName", "changed", "otherAddress", "traceparent", "lastError"],
    ),
    ("deliveryAttempts", &["words"]),
];

fn deleted(number: u128, user: u128) -> UserEvent {
    let mut event = updated(number, user);
    event.metadata.event_type = EventType::Deleted;
    event.change.op = Some(Op::Delete);
    event.change.after = None;
    event.change.changed.clear();
    event
}

/// Runs the service until every record of the topic is dealt with and the ledger is as expected.
async fn run_until(config: NotifierConfig, folder: &Path, expected: LedgerCounts, erased: i64) {
    let group = config.consumer_group.clone();
    let notifier = composition::build(config).await.unwrap();
    let handle = notifier.handle();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(notifier.run(shutdown.clone()));
    let broker = TableBroker::open_sqlite(&folder.join("broker.db")).await.unwrap();
    eventually("the whole topic to be dealt with", async || {
        let done = broker.lag(&group, CDC_TOPIC).await.unwrap() == 0
            && handle.counts().await.unwrap() == expected
            && count(folder, "erasedAt IS NOT NULL").await == erased;
        done.then_some(())
    })
    .await;
    broker.close().await;
    shutdown.cancel();
    running.await.unwrap();
}

async fn database(folder: &Path) -> sqlx::SqliteConnection {
    sqlx::SqliteConnection::connect(folder.join("notifier.db").to_str().unwrap()).await.unwrap()
}

async fn count(folder: &Path, which: &str) -> i64 {
    let query = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM notifications WHERE {which}"));
    sqlx::query_scalar(query).fetch_one(&mut database(folder).await).await.unwrap()
}

/// Everything that is written in the ledger, of whatever table and column.
async fn all_text(folder: &Path) -> String {
    let mut database = database(folder).await;
    let mut text = String::new();
    for (table, columns) in PERSONAL {
        for column in columns {
            let query = format!("SELECT COALESCE(CAST({column} AS TEXT), '') FROM {table}");
            for row in sqlx::query(sqlx::AssertSqlSafe(query)).fetch_all(&mut database).await.unwrap() {
                text.push_str(row.get::<&str, _>(0));
                text.push('\n');
            }
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_user_leaves_nothing_and_a_replay_of_the_whole_topic_mails_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let put_off = Session { message: Act::Say("451 busy"), mails: 1, ..Session::default() };
    let server = SmtpServer::start([put_off]).await;
    composition::migrate(&config(folder, &server).database).await.unwrap();
    let quick = |group: &str| {
        let mut config = config(folder, &server);
        config.consumer_group = group.to_owned();
        config.housekeeping.interval = Duration::from_millis(20);
        config
    };
    let events: Vec<_> = (1..=6).map(|n| updated(n, n % 2)).chain([deleted(7, 1)]).collect();
    let broker = TableBroker::open_sqlite(&folder.join("broker.db")).await.unwrap();
    broker.create_topic(CDC_TOPIC, CDC_PARTITIONS).await.unwrap();
    broker.close().await;
    append(folder, events.iter().map(encode)).await;

    // The deleted user's rows are erased as soon as the last is sent; the other's are kept for their time.
    let sent = LedgerCounts { sent: 7, ..LedgerCounts::default() };
    run_until(quick("group"), folder, sent, 4).await;
    let text = all_text(folder).await;
    assert!(text.contains("user0@example.org"), "{text}");
    assert!(!text.contains("user1"), "{text}");
    assert_eq!(count(folder, "erasedAt IS NULL AND recipient = 'user0@example.org'").await, 3);

    // Another group begins at the first record, as one that was set back does. Meanwhile the others' time is over.
    let mut replay = quick("group-set-back");
    replay.housekeeping.retention = Retention { personal_data: Duration::ZERO, ids: Duration::ZERO };
    run_until(replay, folder, sent, 7).await;
    let mut again = quick("group-set-back-again");
    again.housekeeping.retention = Retention { personal_data: Duration::ZERO, ids: Duration::ZERO };
    run_until(again, folder, sent, 7).await;
    assert_eq!(server.accepted().len(), 7, "no mail was sent again");
    assert!(!all_text(folder).await.contains("user"), "everybody's time is over");

    // Only when the topic has forgotten its records, the ledger forgets that it knew them. (In the test the clocks are
    // one, and a day's margin is kept, so the topic has to be empty.)
    let broker = TableBroker::open_sqlite(&folder.join("broker.db")).await.unwrap();
    while broker.delete_before(CDC_TOPIC, Duration::ZERO, 100).await.unwrap() > 0 {}
    broker.close().await;
    let mut emptied = quick("group");
    emptied.housekeeping.retention = Retention { personal_data: Duration::ZERO, ids: Duration::ZERO };
    run_until(emptied, folder, LedgerCounts::default(), 0).await;
}
