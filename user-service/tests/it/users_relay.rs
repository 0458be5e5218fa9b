//! The relay as a process that captures users from the binary log.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::support::databases::{Capture, Engine, TestDatabase, with_database_for};
use crate::support::outbox::{all, events, positions};
use crate::support::people::{Changes, new_name};
use crate::support::relay::Relay;
use crate::support::waiting::soon;

type Db = Arc<TestDatabase>;

const NEVER: Duration = Duration::from_secs(600);

/// How many accounts a large transaction makes. Four times it then writes over each, so that it has a million rows, which
/// are some 350 MB in the log.
const MANY: u64 = 200_000;

/// In KiB.
const MOST_MEMORY: u64 = 200 * 1024;

/// In the order of their ids, for which no server has to move what is there already.
fn accounts(many: u64) -> String {
    format!(
        "INSERT INTO users (id, username, email, password) \
         WITH RECURSIVE numbers AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM numbers WHERE n < {many}) \
         SELECT UNHEX(LPAD(HEX(n), 32, '0')), CONCAT('u', LPAD(n, 8, '0')), CONCAT(LPAD(n, 8, '0'), '@sql.example'), 'a' \
         FROM numbers"
    )
}

/// A large transaction of a session that is set up so.
async fn takes_little_memory(database: Db, set_up: &str) {
    let relay = Relay::start(&database, "users-table").await;
    let (small, before) = (relay.peak_memory(), relay.published().await);
    let begun = Instant::now();
    let rehash = |n| format!("UPDATE users SET password = 'b{n}'");
    let rehashes = (0..4).map(rehash).collect::<Vec<_>>().join("; ");
    database.execute(&format!("{set_up}; BEGIN; {}; {rehashes}; COMMIT", accounts(MANY))).await;
    let committed = Instant::now();
    // Behind all of it.
    database.execute("UPDATE users SET fullName = 'last' WHERE username = 'u00000001'").await;
    while relay.published().await < before + MANY + 1 {
        assert!(committed.elapsed() < Duration::from_secs(240), "{} are published", relay.published().await);
        sleep(Duration::from_millis(500)).await;
    }
    println!(
        "{MANY} accounts, committed after {:?}, published in {:?}; KiB before {small}, at most {}",
        committed - begun,
        committed.elapsed(),
        relay.peak_memory()
    );
    assert!(relay.peak_memory() < MOST_MEMORY, "{small} KiB before, {} KiB now", relay.peak_memory());
}

async fn loses_its_place_and_notices(database: Db) {
    let relay = Relay::start(&database, "users-table").await;
    let before = relay.published().await;
    let standby = database.feed(database.handle(), Capture::UsersTable, NEVER);
    assert!(standby.next(10, Duration::ZERO).await.unwrap().is_empty());
    relay.signal("-STOP").await;
    let changes = Changes::on(&database.users());
    let ada = changes.register("ada", "ada@example.org").await.unwrap();
    database.execute("UPDATE users SET fullName = 'Ada' WHERE username = 'ada'").await;
    let stopped = Instant::now();
    let mut told = vec![];
    while told.len() < 2 {
        told.extend(soon("taking over", standby.next(10, NEVER)).await.unwrap());
    }
    assert!(stopped.elapsed() < Duration::from_secs(10), "{:?}", stopped.elapsed());
    let told_of = events(&told[told.len() - 2..]);
    assert!(
        told_of.iter().all(|event| event.metadata.subject == ada.id) && told_of[0].change.before.is_none()
    );

    relay.signal("-CONT").await;
    // What it would publish if it did not notice is there all the time.
    sleep(Duration::from_secs(3)).await;
    assert_eq!(relay.published().await, before);
    standby.acknowledge(&positions(&told)).await.unwrap();
    changes.update(ada.id, new_name("Ada King")).await.unwrap();
    let last = all(&standby, 1).await;
    assert_eq!(events(&last)[0].change.version, 2);
    assert_eq!(relay.published().await, before);

    drop(standby);
    let deadline = Instant::now() + Duration::from_secs(20);
    while relay.published().await == before {
        assert!(Instant::now() < deadline, "it does not take its turn again");
        sleep(Duration::from_millis(50)).await;
    }
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
    a_transaction_of_a_million_rows_on_mariadb: takes_little_memory("SET SESSION max_recursive_iterations = 10000000") on MariaDb,
    a_transaction_of_a_million_rows_on_mysql: takes_little_memory("SET SESSION cte_max_recursion_depth = 10000000, binlog_transaction_compression = OFF") on MySql,
    a_stopped_relay_on_mariadb: loses_its_place_and_notices() on MariaDb,
    a_stopped_relay_on_mysql: loses_its_place_and_notices() on MySql,
}
