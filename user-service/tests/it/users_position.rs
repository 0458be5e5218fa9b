//! Where the capture of users goes on, and who may move that place.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use shared_kernel::UserEvent;
use tokio::time::Instant;
use user_service::data_sources::{MySqlBinlogUsersChangeFeed, MySqlDatabase};
use user_service::entities;
use user_service::repositories::{ChangeFeed, ChangeFeedError};

use crate::support::databases::{Capture, Engine, TestDatabase, unique_name, with_database};
use crate::support::on_each_engine;
use crate::support::outbox::{all, append, events, positions};
use crate::support::people::{new_stamp, person, store};
use crate::support::waiting::{SOON, soon};

type Db = Arc<TestDatabase>;

const NEVER: Duration = Duration::from_secs(600);

const LARGEST_EVENT: usize = 64 * 1024 * 1024;

mod on {
    super::on_each_engine! {
        [mariadb: MariaDb, mysql: MySql]
        [
            at_first_the_outbox_is_swept_and_then_the_log_is_followed,
            a_sweep_that_is_broken_off_goes_on,
            what_happens_while_nobody_follows_is_told_later,
            what_is_not_acknowledged_comes_again_after_a_restart,
            a_part_of_a_transaction_is_not_told_again,
            one_is_active_and_another_takes_over,
            whoever_loses_the_position_moves_it_no_more,
            a_forgotten_position_is_the_present_one,
            other_transactions_move_the_position,
            a_position_that_the_server_does_not_have_is_refused,
            what_a_user_needs_is_told_and_is_enough,
        ]
    }
}

fn feed_on(database: &Db) -> Arc<dyn ChangeFeed> {
    database.feed(database.handle(), Capture::UsersTable, NEVER)
}

async fn at_work(database: &Db) -> Arc<dyn ChangeFeed> {
    let feed = feed_on(database);
    assert!(feed.next(1, Duration::ZERO).await.unwrap().is_empty());
    feed
}

/// Acknowledges so many changes and lets the position be stored.
async fn done(feed: &Arc<dyn ChangeFeed>, count: usize) -> Vec<UserEvent> {
    let changes = all(feed, count).await;
    feed.acknowledge(&positions(&changes)).await.unwrap();
    assert!(feed.next(1, Duration::ZERO).await.unwrap().is_empty());
    events(&changes)
}

async fn rename(database: &Db, name: &str) {
    database.execute(&format!("UPDATE users SET fullName = '{name}'")).await;
}

fn names(events: &[UserEvent]) -> Vec<&str> {
    let after = events.iter().map(|event| event.change.after.as_ref().unwrap());
    after.map(|user| user.full_name.as_deref().unwrap_or_default()).collect()
}

/// Somebody registers, asks for a new password, and is renamed by another program.
async fn something_before(database: &Db) -> [UserEvent; 2] {
    let (users, ada) = (database.users(), person("ada"));
    let request = entities::password_reset_requested(&ada, new_stamp(), None);
    store(&users, [&ada]).await;
    append(&users, std::slice::from_ref(&request)).await;
    rename(database, "not told").await;
    [entities::registered(&ada, None), request]
}

async fn at_first_the_outbox_is_swept_and_then_the_log_is_followed(database: Db) {
    let before = something_before(&database).await;
    let feed = feed_on(&database);
    let swept = all(&feed, 2).await;
    assert_eq!(events(&swept), before);
    rename(&database, "told").await;
    let told = events(&all(&feed, 3).await);
    assert_eq!((names(&told[2..]), told[2].change.source.capture.as_str()), (vec!["told"], "users-table"));
    feed.acknowledge(&positions(&all(&feed, 3).await)).await.unwrap();
    assert!(feed.next(1, Duration::ZERO).await.unwrap().is_empty());
    assert_eq!(database.count("outbox").await, 0);
    let left = database.texts("SELECT CONCAT_WS('|', marker, sweptThrough, partOf) FROM relayPosition").await;
    assert_eq!(left, [""]);
}

async fn a_sweep_that_is_broken_off_goes_on(database: Db) {
    let before = something_before(&database).await;
    let feed = feed_on(&database);
    let swept = all(&feed, 2).await;
    feed.acknowledge(&positions(&swept[..1])).await.unwrap();
    rename(&database, "told").await;
    drop(feed);
    let restarted = database.another_process().await;
    let feed = database.feed(&restarted, Capture::UsersTable, NEVER);
    let mut changes = soon("the sweep", feed.next(10, NEVER)).await.unwrap();
    while names(&events(&changes)).last() != Some(&"told") {
        changes.extend(soon("the rest", feed.next(10, NEVER)).await.unwrap());
    }
    let told = events(&changes);
    // The first may or may not have been deleted yet.
    assert!(told.len() <= 3 && told[told.len() - 2] == before[1], "{told:?}");
    drop(feed);
    restarted.close().await;
}

async fn what_happens_while_nobody_follows_is_told_later(database: Db) {
    drop(at_work(&database).await);
    store(&database.users(), [&person("ada")]).await;
    rename(&database, "one").await;
    let feed = feed_on(&database);
    assert_eq!(names(&done(&feed, 2).await), ["", "one"]);
    drop(feed);
    rename(&database, "two").await;
    database.execute("FLUSH BINARY LOGS").await;
    rename(&database, "three").await;
    assert_eq!(names(&done(&feed_on(&database), 2).await), ["two", "three"]);
    assert_eq!(database.count("outbox").await, 0);
}

async fn what_is_not_acknowledged_comes_again_after_a_restart(database: Db) {
    let feed = at_work(&database).await;
    store(&database.users(), [&person("ada")]).await;
    for name in ["one", "two", "three"] {
        rename(&database, name).await;
    }
    let changes = all(&feed, 4).await;
    feed.acknowledge(&[changes[0].position, changes[1].position, changes[3].position]).await.unwrap();
    feed.rewind();
    assert_eq!(names(&events(&feed.next(10, Duration::ZERO).await.unwrap())), ["two"]);
    assert!(feed.next(10, Duration::ZERO).await.unwrap().is_empty());
    drop(feed);
    let restarted = database.another_process().await;
    let feed = database.feed(&restarted, Capture::UsersTable, NEVER);
    // What is behind the first that is not acknowledged may come again, with the same ids.
    let again = events(&all(&feed, 2).await);
    assert_eq!(names(&again), ["two", "three"]);
    let ids = |events: &[UserEvent]| events.iter().map(|event| event.metadata.id).collect::<Vec<_>>();
    assert_eq!(ids(&again), ids(&events(&changes[2..])));
    drop(feed);
    restarted.close().await;
}

async fn a_part_of_a_transaction_is_not_told_again(database: Db) {
    const ROWS: usize = 3000;
    let feed = at_work(&database).await;
    let rows: Vec<_> =
        (0..ROWS).map(|n| format!("(x'{n:032x}', 'u{n:05}', 'u{n:05}@sql.example', 'a')")).collect();
    let insert = "INSERT INTO users (id, username, email, password) VALUES";
    database.execute(&format!("{insert} {}", rows.join(", "))).await;
    let changes = all(&feed, 1000).await;
    feed.acknowledge(&positions(&changes[..700])).await.unwrap();
    // Nothing more is there to be returned, so that the position is stored.
    while !soon("the rest", feed.next(1000, Duration::ZERO)).await.unwrap().is_empty() {}
    let done: i64 =
        database.texts("SELECT CAST(partEvents AS CHAR) FROM relayPosition").await[0].parse().unwrap();
    assert!(done > 3, "{done}");
    drop(feed);
    let restarted = database.another_process().await;
    let feed = database.feed(&restarted, Capture::UsersTable, NEVER);
    let mut left = vec![];
    while left.len() < ROWS - 700 || left.last() != Some(&format!("u{:05}", ROWS - 1)) {
        let next = soon("the rest", feed.next(1000, NEVER)).await.unwrap();
        left.extend(events(&next).into_iter().map(|event| event.change.after.unwrap().username));
    }
    assert!(left.len() < ROWS - 500 && left.is_sorted(), "{}", left.len());
    assert!(left.contains(&"u00700".to_owned()));
    drop(feed);
    restarted.close().await;
}

async fn one_is_active_and_another_takes_over(database: Db) {
    let active = at_work(&database).await;
    let other = database.another_process().await;
    let standby = database.feed(&other, Capture::UsersTable, NEVER);
    // Whoever captures the outbox waits as well.
    let third = database.feed(&other, Capture::Binlog, NEVER);
    store(&database.users(), [&person("ada")]).await;
    for name in ["one", "two"] {
        rename(&database, name).await;
    }
    let changes = all(&active, 3).await;
    active.acknowledge(&positions(&changes[..2])).await.unwrap();
    assert!(active.next(10, Duration::ZERO).await.unwrap().is_empty());
    for waiting in [&standby, &third] {
        assert!(waiting.next(10, Duration::from_millis(700)).await.unwrap().is_empty());
    }
    drop(third);
    drop(active);
    let begun = Instant::now();
    let changes = soon("taking over", standby.next(10, NEVER)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(names(&events(&changes)), ["two"]);
    standby.acknowledge(&positions(&changes)).await.unwrap();
    rename(&database, "three").await;
    assert_eq!(names(&events(&all(&standby, 1).await)), ["three"]);
    drop(standby);
    other.close().await;
}

async fn whoever_loses_the_position_moves_it_no_more(database: Db) {
    let feed = at_work(&database).await;
    store(&database.users(), [&person("ada")]).await;
    rename(&database, "one").await;
    let changes = all(&feed, 2).await;
    // As another one does that takes it over.
    database.execute("UPDATE relayPosition SET epoch = epoch + 1").await;
    let place = "SELECT CONCAT_WS('|', epoch, gtids, file, fileOffset) FROM relayPosition";
    let before = database.texts(place).await;
    let deadline = Instant::now() + SOON;
    let told = loop {
        let outcome = match feed.acknowledge(&positions(&changes)).await {
            Ok(()) => feed.next(10, Duration::from_millis(50)).await.map(drop),
            error => error,
        };
        if let Err(error) = outcome {
            break error;
        }
        assert!(Instant::now() < deadline, "it does not notice");
    };
    assert!(matches!(told, ChangeFeedError::Unavailable(_)), "{told:?}");
    assert_eq!(database.texts(place).await, before);
    // It has the lock, and so it takes the position over again.
    let again = soon("the next term", async {
        loop {
            if let Ok(changes) = feed.next(10, Duration::from_secs(1)).await
                && !changes.is_empty()
            {
                return changes;
            }
        }
    });
    assert_eq!(names(&events(&again.await)), ["", "one"]);
}

async fn a_forgotten_position_is_the_present_one(database: Db) {
    drop(at_work(&database).await);
    store(&database.users(), [&person("ada")]).await;
    rename(&database, "not told").await;
    let Some(process) = database.mysql() else { panic!("this is for servers") };
    assert!(MySqlBinlogUsersChangeFeed::forget_position(process).await.unwrap());
    assert!(!MySqlBinlogUsersChangeFeed::forget_position(process).await.unwrap());
    let feed = feed_on(&database);
    // What user-service did is in the outbox.
    assert_eq!(names(&done(&feed, 1).await), [""]);
    rename(&database, "told").await;
    assert_eq!(names(&done(&feed, 1).await), ["told"]);
}

async fn other_transactions_move_the_position(database: Db) {
    let feed = at_work(&database).await;
    database.execute("CREATE TABLE others (n INT NOT NULL PRIMARY KEY)").await;
    let place = "SELECT CONCAT_WS('|', gtids, file, fileOffset) FROM relayPosition";
    let before = database.texts(place).await;
    let deadline = Instant::now() + SOON;
    for n in 0.. {
        database.execute(&format!("INSERT INTO others VALUES ({n})")).await;
        assert!(feed.next(1, Duration::from_millis(100)).await.unwrap().is_empty());
        if database.texts(place).await != before {
            break;
        }
        assert!(Instant::now() < deadline, "it stays at {before:?}");
    }
}

async fn a_position_that_the_server_does_not_have_is_refused(database: Db) {
    drop(at_work(&database).await);
    let known = database.texts("SELECT gtids FROM relayPosition").await.remove(0);
    let unknown = match known.contains(':') {
        true => format!("{known},00000000-0000-4000-8000-00000000abcd:1-7"),
        false => "0-1-987654321".to_owned(),
    };
    database.execute(&format!("UPDATE relayPosition SET gtids = '{unknown}'")).await;
    store(&database.users(), [&person("ada")]).await;
    let feed = feed_on(&database);
    let refused = soon("the refusal", feed.next(10, NEVER)).await.unwrap_err();
    let said = shared_kernel::in_words(&refused);
    assert!(matches!(refused, ChangeFeedError::Failed(_)), "{said}");
    assert!(said.contains("987654321") || said.contains("abcd:1-7"), "{said}");
    assert!(said.contains("user-service forget-relay-position"), "{said}");
    // Nothing is skipped, however often it is tried.
    assert!(feed.next(10, Duration::from_millis(100)).await.is_err());
    database.execute(&format!("UPDATE relayPosition SET gtids = '{known}'")).await;
    assert_eq!(names(&done(&feed, 1).await), [""]);
}

async fn what_a_user_needs_is_told_and_is_enough(database: Db) {
    let user = unique_name("relay")[..30].to_owned();
    let (url, name) = database.url_for(&user, "p4ss%20w0rd");
    let grant = async |what: &str| database.execute(&format!("GRANT {what} TO {user}@'%'")).await;
    let monitor = match database.texts("SELECT VERSION()").await[0].contains("MariaDB") {
        true => "BINLOG MONITOR",
        false => "REPLICATION CLIENT",
    };
    database.execute(&format!("CREATE USER {user}@'%' IDENTIFIED BY 'p4ss w0rd'")).await;
    for privileges in [
        "SELECT ON user_migrations",
        "SELECT, INSERT, DELETE ON outbox",
        "SELECT, INSERT, DELETE ON deadOutbox",
        "SELECT, INSERT, DELETE ON relayMarkers",
        "SELECT, INSERT, UPDATE ON relayPosition",
    ] {
        let (what, table) = privileges.split_once(" ON ").unwrap();
        grant(&format!("{what} ON {name}.{table}")).await;
    }

    let process = MySqlDatabase::connect_lazy(&url, 4).unwrap();
    process.check_schema().await.unwrap();
    let feed = MySqlBinlogUsersChangeFeed::new(process.clone(), &url, LARGEST_EVENT).unwrap();
    let on_users = format!("SELECT ON {name}.users");
    for (missing, told) in [
        (&*format!("{monitor} ON *.*"), monitor),
        ("REPLICATION SLAVE ON *.*", "REPLICATION SLAVE"),
        (&on_users, "SELECT ON users"),
    ] {
        match feed.check().await {
            Err(refused) => {
                let said = shared_kernel::in_words(&refused);
                assert!(matches!(refused, ChangeFeedError::Failed(_)) && said.contains(told), "{said}");
            }
            // The server of another test may tell the names of columns just now.
            Ok(()) => assert_eq!(told, "SELECT ON users"),
        }
        grant(missing).await;
    }
    feed.check().await.unwrap();

    let feed: Arc<dyn ChangeFeed> = Arc::new(feed);
    let before = something_before(&database).await;
    let swept = all(&feed, 2).await;
    assert_eq!(events(&swept), before);
    feed.bury(swept[0].position, "for the test").await.unwrap();
    feed.acknowledge(&positions(&swept[1..])).await.unwrap();
    rename(&database, "one").await;
    let tailed = all(&feed, 1).await;
    feed.bury(tailed[0].position, "for the test").await.unwrap();
    assert!(feed.next(10, Duration::ZERO).await.unwrap().is_empty());
    assert_eq!((database.count("outbox").await, database.count("deadOutbox").await), (0, 2));
    drop(feed);
    process.close().await;
    database.execute(&format!("DROP USER {user}@'%'")).await;
}

/// A transaction of so many new accounts, compressed, which hardly makes it smaller.
fn compressed(rows: usize) -> String {
    let random = "CONCAT(SHA2(RAND(), 512), SHA2(RAND(), 512))";
    format!(
        "SET SESSION binlog_transaction_compression = ON, cte_max_recursion_depth = 1000000; \
         INSERT INTO users (id, username, email, password, address) \
         WITH RECURSIVE numbers AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows}) \
         SELECT UNHEX(LEFT(SHA2(n, 256), 32)), n, CONCAT(n, '@sql.example'), 'a', LEFT({random}, 255) FROM numbers; \
         SET SESSION binlog_transaction_compression = OFF"
    )
}

/// MySQL's own: each transaction is one event of the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compressed_transaction_is_read_as_long_as_it_takes_little_memory() {
    with_database(Engine::MySql, async |database: Db| {
        // As an event it is larger than what is ordinarily read, and unpacked it takes more than four megabytes.
        const MANY: usize = 20_000;
        let (url, _name) = database.on_its_server();
        let process = database.mysql().unwrap();
        drop(at_work(&database).await);
        database.execute(&compressed(100)).await;
        rename(&database, "small").await;
        database.execute("DELETE FROM users").await;
        assert_eq!(done(&feed_on(&database), 300).await.len(), 300);

        database.execute(&compressed(MANY)).await;
        database.execute("UPDATE users SET fullName = 'last' ORDER BY id LIMIT 1").await;
        let small = 4 * 1024 * 1024;
        let feed = MySqlBinlogUsersChangeFeed::new(process.clone(), url, small).unwrap();
        let refused = soon("the refusal", async {
            loop {
                match feed.next(10, Duration::from_millis(100)).await {
                    Ok(none) => assert!(none.is_empty(), "{none:?}"),
                    Err(error) if error.is_retryable() => {}
                    Err(error) => break shared_kernel::in_words(&error),
                }
            }
        })
        .await;
        for told in ["binlog_transaction_compression is ON", "--relay-event-mib", "takes 4."] {
            assert!(refused.contains(told), "{refused}");
        }
        drop(feed);
        let feed = feed_on(&database);
        let (mut count, mut last) = (0, None);
        while count < MANY + 1 {
            let changes = soon("the next", feed.next(1000, NEVER)).await.unwrap();
            feed.acknowledge(&positions(&changes)).await.unwrap();
            (count, last) = (count + changes.len(), events(&changes).pop());
        }
        assert_eq!((count, names(&[last.unwrap()])), (MANY + 1, vec!["last"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_programs_may_write_large_rows_anywhere() {
    with_database(Engine::MySql, async |database: Db| {
        let feed = at_work(&database).await;
        store(&database.users(), [&person("ada")]).await;
        database
            .execute(
                "CREATE TABLE others (x LONGBLOB); BEGIN; UPDATE users SET fullName = 'one'; \
                 INSERT INTO others VALUES (REPEAT('x', 5000000)); UPDATE users SET fullName = 'two'; COMMIT; \
                 UPDATE users SET fullName = 'three'",
            )
            .await;
        let (mut seen, mut ids) = (vec![], BTreeSet::new());
        while names(&seen).last() != Some(&"three") {
            let changes = soon("the next", feed.next(10, NEVER)).await.unwrap();
            feed.acknowledge(&positions(&changes)).await.unwrap();
            // What came before the large row in its transaction may come again.
            seen.extend(events(&changes).into_iter().filter(|event| ids.insert(event.metadata.id)));
        }
        assert_eq!(names(&seen), ["", "one", "two", "three"]);
    })
    .await;
}
