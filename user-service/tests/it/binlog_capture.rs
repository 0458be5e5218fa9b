//! What the binary log brings, and what it does not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use shared_kernel::{EventId, UserEvent, UserId};
use tokio::time::sleep;
use user_service::repositories::{ChangeFeed, ChangeFeedError, Content};
use uuid::Uuid;

use crate::support::databases::{Capture, Engine, TestDatabase, with_database};
use crate::support::on_each_engine;
use crate::support::outbox::{all, append, events, positions};
use crate::support::people::{Changes, new_name, updates_of};
use crate::support::waiting::soon;

type Db = Arc<TestDatabase>;

const NEVER: Duration = Duration::from_secs(600);

mod on {
    super::on_each_engine! {
        [mariadb: MariaDb, mysql: MySql]
        [
            rows_of_one_statement_come_in_their_order,
            nothing_comes_of_what_was_undone_to_a_savepoint,
            the_log_may_go_on_in_another_file,
            columns_are_known_whatever_the_log_tells_of_them,
            tables_may_get_columns_meanwhile,
            ids_may_end_in_zeros,
            a_row_that_is_too_large_for_the_log_comes_by_a_sweep,
            a_row_that_is_not_in_the_log_comes_by_a_sweep,
            a_broken_connection_is_told_once,
            nothing_is_missed_or_reordered_while_many_write_and_connections_break,
        ]
    }
}

/// A feed that has swept the empty table and follows the log.
async fn at_work(database: &Db) -> Arc<dyn ChangeFeed> {
    at_work_checking(database, NEVER).await
}

async fn at_work_checking(database: &Db, interval: Duration) -> Arc<dyn ChangeFeed> {
    let feed = database.feed(database.handle(), Capture::Binlog, interval);
    assert!(feed.next(1, Duration::ZERO).await.unwrap().is_empty());
    feed
}

/// The columns of a row as one that is there has them, but for its id and payload.
fn copied(payload: &str) -> String {
    format!(
        "INSERT INTO outbox (id, userId, eventType, occurredAt, payload) \
         SELECT UNHEX(REPLACE(UUID(), '-', '')), userId, eventType, occurredAt, {payload} FROM outbox LIMIT 1"
    )
}

async fn rows_of_one_statement_come_in_their_order(database: Db) {
    let feed = at_work(&database).await;
    let written = updates_of(1, 200);
    let rows: Vec<_> = written
        .iter()
        .map(|event| {
            let (id, user) = (event.metadata.id.0.simple(), event.metadata.subject.0.simple());
            let payload = serde_json::to_string(&event.change).unwrap();
            let (name, at) = (event.metadata.event_type.as_str(), event.metadata.time.naive_utc());
            format!("(x'{id}', x'{user}', '{name}', '{at}', '{payload}')")
        })
        .collect();
    let insert = "INSERT INTO outbox (id, userId, eventType, occurredAt, payload) VALUES";
    database.execute(&format!("{insert} {}", rows.join(", "))).await;
    assert_eq!(events(&all(&feed, 200).await), written);
}

async fn nothing_comes_of_what_was_undone_to_a_savepoint(database: Db) {
    let feed = at_work(&database).await;
    let written = updates_of(1, 1);
    append(&database.users(), &written).await;
    let first = all(&feed, 1).await;
    let undone = copied("payload");
    database
        .execute(&format!("BEGIN; SAVEPOINT s; {undone}; ROLLBACK TO SAVEPOINT s; {undone}; COMMIT"))
        .await;
    database.execute(&format!("BEGIN; {undone}; ROLLBACK")).await;
    append(&database.users(), &updates_of(1, 1)).await;
    let changes = all(&feed, 3).await;
    assert_eq!(changes[0].position, first[0].position);
    assert_eq!(database.count("outbox").await, 3);
}

async fn the_log_may_go_on_in_another_file(database: Db) {
    let feed = at_work(&database).await;
    let written = updates_of(1, 4);
    for event in written.chunks(1) {
        append(&database.users(), event).await;
        database.execute("FLUSH BINARY LOGS").await;
    }
    assert_eq!(events(&all(&feed, 4).await), written);
}

/// The setting is the whole server's: other tests' feeds meet both values too.
async fn columns_are_known_whatever_the_log_tells_of_them(database: Db) {
    let feed = at_work(&database).await;
    let setting = "SELECT CAST(@@GLOBAL.binlog_row_metadata AS CHAR)";
    let before = database.texts(setting).await;
    let written = updates_of(1, 3);
    for (metadata, event) in ["FULL", "MINIMAL", "FULL"].into_iter().zip(written.chunks(1)) {
        database.execute(&format!("SET GLOBAL binlog_row_metadata = {metadata}")).await;
        append(&database.users(), event).await;
    }
    database.execute(&format!("SET GLOBAL binlog_row_metadata = {}", before[0])).await;
    assert_eq!(events(&all(&feed, 3).await), written);
}

async fn tables_may_get_columns_meanwhile(database: Db) {
    let feed = at_work(&database).await;
    let written = updates_of(1, 4);
    for (table, event) in [
        "outbox ADD COLUMN note VARCHAR(20) NULL",
        "users ADD COLUMN note VARCHAR(20) NULL",
        "outbox ADD COLUMN first BIGINT NOT NULL DEFAULT 7 FIRST",
        "outbox ADD COLUMN sooner VARCHAR(20) NOT NULL DEFAULT 'x' AFTER userId",
    ]
    .into_iter()
    .zip(&written)
    {
        database.execute(&format!("ALTER TABLE {table}")).await;
        append(&database.users(), std::slice::from_ref(event)).await;
        let changes = all(&feed, 1).await;
        assert_eq!(events(&changes), std::slice::from_ref(event));
        feed.acknowledge(&positions(&changes)).await.unwrap();
    }

    // The table is of tomorrow already when the log still brings rows of today.
    let written = updates_of(1, 300);
    append(&database.users(), &written).await;
    database.execute("ALTER TABLE outbox DROP COLUMN sooner").await;
    assert_eq!(events(&all(&feed, 300).await), written);
}

/// Which the log leaves out.
async fn ids_may_end_in_zeros(database: Db) {
    let feed = at_work(&database).await;
    let mut written = updates_of(1, 3);
    for (event, zeros) in written.iter_mut().zip([8, 120, 128]) {
        let id = event.metadata.id.0.as_u128() >> zeros.min(127) << zeros.min(127);
        event.metadata.id = EventId(Uuid::from_u128(if zeros == 128 { 0 } else { id }));
        event.metadata.subject = UserId(Uuid::from_u128(0xab << 120));
    }
    append(&database.users(), &written).await;
    assert_eq!(events(&all(&feed, 3).await), written);
}

async fn a_row_that_is_too_large_for_the_log_comes_by_a_sweep(database: Db) {
    let feed = at_work(&database).await;
    let written = updates_of(1, 2);
    append(&database.users(), &written[..1]).await;
    // Not JSON, but that is not the feed's concern.
    database.execute(&copied("REPEAT('x', 3 * 1024 * 1024)")).await;
    append(&database.users(), &written[1..]).await;
    let mut changes = vec![];
    while changes.len() < 3 {
        let came = soon("the next", feed.next(10, NEVER)).await.unwrap();
        feed.acknowledge(&positions(&came)).await.unwrap();
        changes.extend(came);
    }
    assert!(matches!(changes[1].content, Content::Unreadable(_)));
    assert_eq!(events(&[changes[0].clone(), changes[2].clone()]), written);
}

async fn a_row_that_is_not_in_the_log_comes_by_a_sweep(database: Db) {
    let feed = at_work_checking(&database, Duration::from_millis(300)).await;
    let written = updates_of(1, 2);
    append(&database.users(), &written[..1]).await;
    feed.acknowledge(&positions(&all(&feed, 1).await)).await.unwrap();
    append(&database.users(), &written[1..]).await;
    // Put back beside the log, as if it had never been there.
    let changes = all(&feed, 1).await;
    database.execute("CREATE TABLE kept AS SELECT * FROM outbox").await;
    feed.acknowledge(&positions(&changes)).await.unwrap();
    database
        .execute(
            "SET SESSION sql_log_bin = 0; INSERT INTO outbox SELECT * FROM kept; SET SESSION sql_log_bin = 1",
        )
        .await;
    let found = soon("the sweep", feed.next(10, NEVER)).await.unwrap();
    assert_eq!(events(&found), written[1..]);
}

async fn a_broken_connection_is_told_once(database: Db) {
    let feed = at_work(&database).await;
    let written = updates_of(1, 3);
    append(&database.users(), &written[..1]).await;
    feed.acknowledge(&positions(&all(&feed, 1).await)).await.unwrap();
    append(&database.users(), &written[1..2]).await;
    let in_hand = all(&feed, 1).await;
    assert_eq!(database.break_log_readers().await, 1);
    append(&database.users(), &written[2..]).await;
    feed.acknowledge(&positions(&in_hand)).await.unwrap();
    // What was on its way may still come before.
    let mut seen = vec![];
    let told = loop {
        match soon("the end", feed.next(10, NEVER)).await {
            Ok(changes) => {
                feed.acknowledge(&positions(&changes)).await.unwrap();
                seen.extend(events(&changes));
            }
            Err(error) => break error,
        }
    };
    assert!(matches!(told, ChangeFeedError::Unavailable(_)), "{told:?}");
    while seen.is_empty() {
        seen = events(&all(&feed, 1).await);
    }
    assert_eq!(seen, written[2..]);
}

async fn nothing_is_missed_or_reordered_while_many_write_and_connections_break(database: Db) {
    const WRITERS: usize = 4;
    const UPDATES: usize = 60;
    let writing: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let changes = Changes::on(&database.users());
            tokio::spawn(async move {
                let name = format!("writer{writer}");
                let user = changes.register(&name, &format!("{name}@example.org")).await.unwrap();
                for n in 0..UPDATES {
                    changes.update(user.id, new_name(&format!("Name {n}"))).await.unwrap();
                }
            })
        })
        .collect();
    let breaking = {
        let database = Arc::clone(&database);
        tokio::spawn(async move {
            let mut broken = 0;
            while broken < 8 {
                sleep(Duration::from_millis(120)).await;
                broken += database.break_log_readers().await;
            }
        })
    };
    let feed = database.feed(database.handle(), Capture::Binlog, Duration::from_secs(5));
    let (mut seen, mut versions) = (BTreeSet::new(), BTreeMap::<UserId, Vec<i64>>::new());
    let expected = WRITERS * (UPDATES + 1);
    let reading = async {
        for round in 0.. {
            let changes = match feed.next(7, Duration::from_millis(50)).await {
                Ok(changes) => changes,
                Err(error) => {
                    assert!(error.is_retryable(), "{error:?}");
                    continue;
                }
            };
            for event in events(&changes) {
                if seen.insert(event.metadata.id) {
                    versions.entry(event.metadata.subject).or_default().push(event.change.version);
                }
            }
            // Now and then the broker fails in the middle of a batch.
            let published = if round % 5 == 0 { changes.len() / 2 } else { changes.len() };
            feed.acknowledge(&positions(&changes[..published])).await.unwrap();
            if published < changes.len() {
                feed.rewind();
            }
            if seen.len() == expected && published == changes.len() && database.count("outbox").await == 0 {
                break;
            }
        }
    };
    soon("all of them", reading).await;
    for writer in writing {
        writer.await.unwrap();
    }
    breaking.abort();
    assert_eq!(versions.len(), WRITERS);
    for (user, versions) in versions {
        assert!(versions.is_sorted() && versions.len() == UPDATES + 1, "{user}: {versions:?}");
    }
}

/// MySQL's own: each transaction is one event of the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_may_be_compressed() {
    with_database(Engine::MySql, async |database: Db| {
        let feed = at_work(&database).await;
        let written: Vec<UserEvent> = updates_of(1, 2);
        append(&database.users(), &written[..1]).await;
        let first = all(&feed, 1).await;
        database
            .execute(&format!(
                "SET SESSION binlog_transaction_compression = ON; BEGIN; {one}; {one}; {one}; COMMIT; {one}; \
                 SET SESSION binlog_transaction_compression = OFF",
                one = copied("payload")
            ))
            .await;
        append(&database.users(), &written[1..]).await;
        let changes = all(&feed, 6).await;
        assert_eq!(changes[0].position, first[0].position);
        assert!(changes.is_sorted_by_key(|change| change.position));
        assert_eq!(events(&changes[5..]), written[1..]);
    })
    .await;
}
