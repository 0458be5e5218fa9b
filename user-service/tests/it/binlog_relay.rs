//! The relay as a process that follows the binary log.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::support::databases::{Capture, Engine, TestDatabase, with_database_for};
use crate::support::outbox::{all, append, events, positions};
use crate::support::people::updates_of;
use crate::support::relay::{Relay, emptied};
use crate::support::waiting::{SOON, soon};

type Db = Arc<TestDatabase>;

const NEVER: Duration = Duration::from_secs(600);

/// How many changes a large transaction has, which are 160 MB in the log.
const MANY: usize = 200_000;

/// So many that a compressed one is too large to be unpacked.
const MANY_COMPRESSED: usize = 120_000;

/// In KiB: half of what may be taken for a million changes.
const MOST_MEMORY: u64 = 100 * 1024;

/// A large transaction of a session that is set up so.
async fn takes_little_memory(database: Db, set_up: &str, many: usize) {
    let relay = Relay::start(&database, "outbox-binlog").await;
    let small = relay.peak_memory();
    // One transaction, made by doubling.
    database.execute("CREATE TABLE made (n INT NOT NULL PRIMARY KEY); INSERT INTO made VALUES (0)").await;
    let mut count = 1;
    while count < many {
        database
            .execute(&format!("INSERT INTO made SELECT n + {count} FROM made WHERE n + {count} < {many}"))
            .await;
        count *= 2;
    }
    let event = &updates_of(1, 1)[0];
    let payload = serde_json::to_string(&event.change).unwrap();
    let (user, name) = (event.metadata.subject.0.simple(), event.metadata.event_type.as_str());
    database
        .execute(&format!(
            "{set_up}; INSERT INTO outbox (id, userId, eventType, occurredAt, payload) \
             SELECT LEFT(UNHEX(SHA2(n, 256)), 16), x'{user}', '{name}', '2030-01-01', '{payload}' FROM made"
        ))
        .await;
    let committed = Instant::now();
    emptied(&database, Duration::from_secs(240)).await;
    println!(
        "{many} changes in {:?}; KiB before {small}, at most {}",
        committed.elapsed(),
        relay.peak_memory()
    );
    assert!(relay.peak_memory() < MOST_MEMORY, "{small} KiB before, {} KiB now", relay.peak_memory());
    assert!(relay.published().await >= many as u64);
}

async fn loses_its_place_and_notices(database: Db) {
    let relay = Relay::start(&database, "outbox-binlog").await;
    let before = relay.published().await;
    let standby = database.feed(database.handle(), Capture::Binlog, NEVER);
    assert!(standby.next(10, Duration::ZERO).await.unwrap().is_empty());
    relay.signal("-STOP").await;
    let written = updates_of(1, 3);
    append(&database.users(), &written).await;
    let stopped = Instant::now();
    let changes = soon("taking over", standby.next(10, NEVER)).await.unwrap();
    assert!(stopped.elapsed() < Duration::from_secs(10), "{:?}", stopped.elapsed());
    assert_eq!(events(&changes), written);

    relay.signal("-CONT").await;
    // What it would publish if it did not notice is there all the time.
    sleep(Duration::from_secs(3)).await;
    assert_eq!(relay.published().await, before);
    standby.acknowledge(&positions(&changes)).await.unwrap();
    let written = updates_of(1, 2);
    append(&database.users(), &written).await;
    assert_eq!(events(&all(&standby, 2).await), written);
    assert_eq!(relay.published().await, before);

    drop(standby);
    emptied(&database, SOON).await;
    assert_eq!(relay.published().await, before + 2);
}

/// Longer than most are given.
const LONGEST: Duration = Duration::from_secs(300);

macro_rules! tests {
    ($($name:ident: $case:ident($($argument:expr),*) on $engine:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                with_database_for(LONGEST, Engine::$engine, |database| $case(database, $($argument),*)).await;
            }
        )*
    };
}

tests! {
    a_large_transaction_on_mariadb: takes_little_memory("DO 0", MANY) on MariaDb,
    a_large_transaction_on_mysql: takes_little_memory("SET SESSION binlog_transaction_compression = OFF", MANY) on MySql,
    a_large_compressed_transaction_on_mysql: takes_little_memory("SET SESSION binlog_transaction_compression = ON", MANY_COMPRESSED) on MySql,
    a_stopped_relay_on_mariadb: loses_its_place_and_notices() on MariaDb,
    a_stopped_relay_on_mysql: loses_its_place_and_notices() on MySql,
}
