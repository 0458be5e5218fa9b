//! Who reads the binary log, and what for.

use std::sync::Arc;
use std::time::Duration;

use sqlx::AssertSqlSafe;
use tokio::time::{Instant, sleep};
use user_service::data_sources::{MySqlBinlogOutboxChangeFeed, MySqlDatabase};
use user_service::repositories::{ChangeFeed, ChangeFeedError};

use crate::support::databases::{Capture, TestDatabase, unique_name};
use crate::support::on_each_engine;
use crate::support::outbox::{all, append, events, positions};
use crate::support::people::updates_of;
use crate::support::waiting::{SOON, soon};

type Db = Arc<TestDatabase>;

const NEVER: Duration = Duration::from_secs(600);

/// Long enough for somebody to take over who should not.
const A_WHILE: Duration = Duration::from_millis(1500);

mod on {
    super::on_each_engine! {
        [mariadb: MariaDb, mysql: MySql]
        [
            one_is_active_and_another_takes_over,
            a_lost_lock_ends_what_was_read_ahead,
            what_a_user_needs_is_told_and_is_enough,
        ]
    }
}

async fn one_is_active_and_another_takes_over(database: Db) {
    let active = database.feed(database.handle(), Capture::Binlog, NEVER);
    assert!(active.next(1, Duration::ZERO).await.unwrap().is_empty());
    let other = database.another_process().await;
    let standby = database.feed(&other, Capture::Binlog, NEVER);
    let written = updates_of(1, 3);
    append(&database.users(), &written).await;
    let changes = all(&active, 3).await;
    active.acknowledge(&positions(&changes[..1])).await.unwrap();
    assert!(standby.next(10, Duration::ZERO).await.unwrap().is_empty());
    let begun = Instant::now();
    assert!(standby.next(10, A_WHILE).await.unwrap().is_empty());
    assert!(begun.elapsed() >= A_WHILE);

    drop(active);
    let begun = Instant::now();
    let changes = soon("taking over", standby.next(10, NEVER)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(events(&changes), written[1..]);
    standby.acknowledge(&positions(&changes)).await.unwrap();
    let written = updates_of(1, 2);
    append(&database.users(), &written).await;
    assert_eq!(events(&all(&standby, 2).await), written);
    drop(standby);
    other.close().await;
}

async fn a_lost_lock_ends_what_was_read_ahead(database: Db) {
    let active = database.feed(database.handle(), Capture::Binlog, NEVER);
    assert!(active.next(1, Duration::ZERO).await.unwrap().is_empty());
    let written = updates_of(1, 3);
    append(&database.users(), &written).await;
    assert_eq!(events(&all(&active, 3).await), written);

    let other = database.another_process().await;
    let standby = database.feed(&other, Capture::Binlog, NEVER);
    assert!(standby.next(10, A_WHILE).await.unwrap().is_empty());
    let holder = "SELECT CAST(IS_USED_LOCK(CONCAT('relay.', LEFT(SHA2(DATABASE(), 256), 32))) AS CHAR)";
    let id = &database.texts(holder).await[0];
    let mut connection = database.connection().await;
    sqlx::raw_sql(AssertSqlSafe(format!("KILL {id}"))).execute(&mut *connection).await.unwrap();
    let changes = soon("taking over", standby.next(10, NEVER)).await.unwrap();
    assert_eq!(events(&changes), written);

    // The one that was active notices, says so and has nothing more to return.
    let deadline = Instant::now() + SOON;
    loop {
        match active.next(10, Duration::from_millis(50)).await {
            Ok(changes) if changes.is_empty() => break,
            Ok(_) => {}
            Err(error) => assert!(matches!(error, ChangeFeedError::Unavailable(_)), "{error:?}"),
        }
        assert!(Instant::now() < deadline, "it does not notice");
        sleep(Duration::from_millis(50)).await;
    }
    standby.acknowledge(&positions(&changes)).await.unwrap();
    drop(standby);
    let written = updates_of(1, 1);
    append(&database.users(), &written).await;
    let deadline = Instant::now() + SOON;
    let again = loop {
        match active.next(10, Duration::from_secs(1)).await {
            Ok(changes) if !changes.is_empty() => break changes,
            _ => assert!(Instant::now() < deadline, "it does not take its turn"),
        }
    };
    assert_eq!(events(&again), written);
    other.close().await;
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
    grant(&format!("SELECT ON {name}.user_migrations")).await;
    grant(&format!("SELECT, INSERT, DELETE ON {name}.outbox")).await;
    grant(&format!("SELECT, INSERT, DELETE ON {name}.deadOutbox")).await;
    grant(&format!("SELECT, INSERT, DELETE ON {name}.relayMarkers")).await;

    let process = MySqlDatabase::connect_lazy(&url, 4).unwrap();
    process.check_schema().await.unwrap();
    let feed = MySqlBinlogOutboxChangeFeed::new(process.clone(), &url, NEVER).unwrap();
    for (missing, told) in [(monitor, monitor), ("REPLICATION SLAVE", "REPLICATION SLAVE")] {
        let refused = feed.check().await.unwrap_err();
        let said = shared_kernel::in_words(&refused);
        assert!(matches!(refused, ChangeFeedError::Failed(_)) && said.contains(told), "{said}");
        grant(&format!("{missing} ON *.*")).await;
    }
    feed.check().await.unwrap();

    let feed: Arc<dyn ChangeFeed> = Arc::new(feed);
    let written = updates_of(1, 3);
    append(&database.users(), &written[..2]).await;
    let swept = all(&feed, 2).await;
    feed.bury(swept[0].position, "for the test").await.unwrap();
    feed.acknowledge(&positions(&swept[1..])).await.unwrap();
    append(&database.users(), &written[2..]).await;
    let tailed = all(&feed, 1).await;
    assert_eq!(events(&tailed), written[2..]);
    feed.bury(tailed[0].position, "for the test").await.unwrap();
    assert_eq!((database.count("outbox").await, database.count("deadOutbox").await), (0, 2));
    drop(feed);
    process.close().await;
    database.execute(&format!("DROP USER {user}@'%'")).await;
}
