//! What `ChangeFeed` promises, on each database.

use std::sync::Arc;
use std::time::Duration;

use shared_kernel::UserEvent;
use tokio::time::timeout;
use user_service::entities;
use user_service::repositories::{CapturedChange, Content, UserRepository};

use crate::support::databases::{Engine, TestDatabase, with_database};
use crate::support::on_each_engine;
use crate::support::people::{Changes, new_name, person, updates_of};
use crate::support::waiting::soon;

type Db = Arc<TestDatabase>;

const NEVER: Duration = Duration::from_secs(600);

mod on {
    super::on_each_engine! {
        [sqlite: Sqlite, mariadb: MariaDb, mysql: MySql]
        [
            changes_come_in_order_and_unchanged,
            no_more_come_than_asked_for,
            with_nothing_there_nothing_comes_after_the_wait,
            what_is_acknowledged_does_not_come_again,
            acknowledging_twice_or_nothing_is_harmless,
            what_is_not_acknowledged_comes_again_after_a_restart,
            a_buried_change_is_kept_with_the_reason_and_does_not_come_again,
            what_cannot_be_read_comes_as_such_and_can_be_buried,
            nothing_comes_of_what_was_undone,
            a_commit_of_this_process_is_told_at_once,
            a_commit_of_another_process_is_found_by_polling,
            a_cancelled_wait_loses_nothing,
        ]
    }
}

/// On SQLite writers take turns: a number is given under the lock that is held until the commit, so none
/// can be committed late, and waiting for it would wait for ever.
mod with_concurrent_writers_on {
    super::on_each_engine! {
        [mariadb: MariaDb, mysql: MySql]
        [a_smaller_number_that_commits_late_is_not_skipped, an_acknowledgement_waits_for_no_open_transaction]
    }
}

async fn append(users: &Arc<dyn UserRepository>, events: &[UserEvent]) {
    let mut transaction = users.begin().await.unwrap();
    for event in events {
        transaction.append(event).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

fn events(changes: &[CapturedChange]) -> Vec<UserEvent> {
    changes
        .iter()
        .map(|change| match &change.content {
            Content::Event(event) => (**event).clone(),
            Content::Unreadable(reason) => panic!("{reason}"),
        })
        .collect()
}

async fn changes_come_in_order_and_unchanged(database: Db) {
    let mut written = updates_of(3, 4);
    written[5].metadata.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    written[6].change.after.as_mut().unwrap().full_name = Some("Ada 🦀".into());
    append(&database.users(), &written[..7]).await;
    append(&database.users(), &written[7..]).await;
    let changes = database.feed(NEVER).next(100, Duration::ZERO).await.unwrap();
    assert_eq!(events(&changes), written);
    assert!(changes.is_sorted_by(|one, next| one.position < next.position));
}

async fn no_more_come_than_asked_for(database: Db) {
    let written = updates_of(1, 5);
    append(&database.users(), &written).await;
    let changes = database.feed(NEVER).next(3, Duration::ZERO).await.unwrap();
    assert_eq!(events(&changes), written[..3]);
}

async fn with_nothing_there_nothing_comes_after_the_wait(database: Db) {
    let feed = database.feed(NEVER);
    assert!(soon("no wait", feed.next(10, Duration::ZERO)).await.unwrap().is_empty());
    assert!(soon("the wait", feed.next(10, Duration::from_millis(30))).await.unwrap().is_empty());
}

async fn what_is_acknowledged_does_not_come_again(database: Db) {
    let written = updates_of(1, 5);
    append(&database.users(), &written).await;
    let feed = database.feed(NEVER);
    let changes = feed.next(100, Duration::ZERO).await.unwrap();
    // Not only a beginning: whatever is acknowledged, and nothing else.
    feed.acknowledge(&[changes[0].clone(), changes[1].clone(), changes[3].clone()]).await.unwrap();
    let left = feed.next(100, Duration::ZERO).await.unwrap();
    assert_eq!(events(&left), [written[2].clone(), written[4].clone()]);
    feed.acknowledge(&left).await.unwrap();
    assert_eq!(database.count("outbox").await, 0);
    // A number is never given again.
    append(&database.users(), &updates_of(1, 1)).await;
    let next = feed.next(100, Duration::ZERO).await.unwrap();
    assert!(next[0].position > changes[4].position);
}

async fn acknowledging_twice_or_nothing_is_harmless(database: Db) {
    append(&database.users(), &updates_of(1, 2)).await;
    let feed = database.feed(NEVER);
    let changes = feed.next(1, Duration::ZERO).await.unwrap();
    feed.acknowledge(&changes).await.unwrap();
    feed.acknowledge(&changes).await.unwrap();
    feed.acknowledge(&[]).await.unwrap();
    assert_eq!(database.count("outbox").await, 1);
}

async fn what_is_not_acknowledged_comes_again_after_a_restart(database: Db) {
    let written = updates_of(1, 3);
    append(&database.users(), &written).await;
    let feed = database.feed(NEVER);
    assert_eq!(events(&feed.next(100, Duration::ZERO).await.unwrap()), written);
    assert_eq!(events(&feed.next(100, Duration::ZERO).await.unwrap()), written);
    let restarted = database.another_process().await;
    assert_eq!(events(&restarted.feed(NEVER).next(100, Duration::ZERO).await.unwrap()), written);
    restarted.close().await;
}

async fn a_buried_change_is_kept_with_the_reason_and_does_not_come_again(database: Db) {
    let written = updates_of(1, 3);
    append(&database.users(), &written).await;
    let feed = database.feed(NEVER);
    let changes = feed.next(100, Duration::ZERO).await.unwrap();
    let row = "SELECT CONCAT_WS('|', HEX(id), CAST(seq AS CHAR), payload)";
    let before = database.texts(&format!("{row} FROM outbox WHERE seq = {}", changes[1].position)).await;
    // Longer than the column, and not to be cut within a character.
    let reason = format!("too large 🦀{}", "🦀".repeat(2000));
    feed.bury(&changes[1], &reason).await.unwrap();

    let left = feed.next(100, Duration::ZERO).await.unwrap();
    assert_eq!(events(&left), [written[0].clone(), written[2].clone()]);
    assert_eq!(database.texts(&format!("{row} FROM deadOutbox")).await, before);
    let kept = database.texts("SELECT reason FROM deadOutbox").await;
    assert!(reason.starts_with(&kept[0]) && kept[0].chars().count() == 1000, "{kept:?}");
    // Again, after a crash before the relay knew, say.
    feed.bury(&changes[1], "again").await.unwrap();
    assert_eq!(database.count("deadOutbox").await, 1);
}

async fn what_cannot_be_read_comes_as_such_and_can_be_buried(database: Db) {
    let written = updates_of(1, 4);
    append(&database.users(), &written).await;
    let ids: Vec<_> =
        written.iter().map(|event| event.metadata.id.0.simple().to_string().to_uppercase()).collect();
    database
        .execute(&format!("UPDATE outbox SET payload = '{{\"op\":7}}' WHERE HEX(id) = '{}'", ids[0]))
        .await;
    database.execute(&format!("UPDATE outbox SET payload = 'no json' WHERE HEX(id) = '{}'", ids[1])).await;
    database.execute(&format!("UPDATE outbox SET eventType = 'other.v9' WHERE HEX(id) = '{}'", ids[2])).await;
    let feed = database.feed(NEVER);
    let changes = feed.next(100, Duration::ZERO).await.unwrap();
    for (change, told) in changes.iter().zip(["payload", "payload", "other.v9"]) {
        match &change.content {
            Content::Unreadable(reason) => {
                assert!(reason.contains(told), "{reason}");
                feed.bury(change, reason).await.unwrap();
            }
            Content::Event(event) => panic!("{event:?}"),
        }
    }
    assert_eq!(database.count("deadOutbox").await, 3);
    assert_eq!(events(&feed.next(100, Duration::ZERO).await.unwrap()), written[3..]);
}

async fn nothing_comes_of_what_was_undone(database: Db) {
    let (users, written) = (database.users(), updates_of(1, 2));
    let feed = database.feed(NEVER);
    let mut transaction = users.begin().await.unwrap();
    transaction.append(&written[0]).await.unwrap();
    assert!(feed.next(10, Duration::ZERO).await.unwrap().is_empty());
    drop(transaction);
    append(&users, &written[1..]).await;
    assert_eq!(events(&feed.next(10, Duration::ZERO).await.unwrap()), written[1..]);
}

async fn a_commit_of_this_process_is_told_at_once(database: Db) {
    let (users, feed) = (database.users(), database.feed(NEVER));
    let waiting = tokio::spawn(async move { feed.next(10, NEVER).await.unwrap() });
    let changes = Changes::on(&users);
    let ada = changes.register("ada", "ada@example.org").await.unwrap();
    let told = soon("being woken", waiting).await.unwrap();
    assert_eq!(events(&told)[0].metadata.id, ada.last_event_id);

    // Also a commit of a moment in which nobody was waiting.
    database.feed(NEVER).acknowledge(&told).await.unwrap();
    let ada = changes.update(ada.id, new_name("Ada")).await.unwrap();
    let told = soon("the next", database.feed(NEVER).next(10, NEVER)).await.unwrap();
    assert_eq!(events(&told)[0].metadata.id, ada.last_event_id);
}

async fn a_commit_of_another_process_is_found_by_polling(database: Db) {
    let feed = database.feed(Duration::from_millis(10));
    let waiting = tokio::spawn(async move { feed.next(10, NEVER).await.unwrap() });
    let other = database.another_process().await;
    let written = updates_of(1, 1);
    append(&other.users(), &written).await;
    assert_eq!(events(&soon("being found", waiting).await.unwrap()), written);
    other.close().await;
}

async fn a_cancelled_wait_loses_nothing(database: Db) {
    let (users, written) = (database.users(), updates_of(1, 40));
    let writing = {
        let written = written.clone();
        tokio::spawn(async move {
            for event in &written {
                append(&users, std::slice::from_ref(event)).await;
            }
        })
    };
    let feed = database.feed(NEVER);
    let mut seen = Vec::new();
    let reading = async {
        // Most of the calls are cancelled somewhere on their way.
        for n in (0..).map(|n| n % 12) {
            let next = feed.next(3, NEVER);
            if let Ok(changes) = timeout(Duration::from_micros(200 << n), next).await {
                let changes = changes.unwrap();
                feed.acknowledge(&changes).await.unwrap();
                seen.extend(events(&changes));
            }
            if seen.len() >= written.len() {
                break;
            }
        }
    };
    soon("all of them", reading).await;
    writing.await.unwrap();
    assert_eq!(seen, written);
    assert_eq!(database.count("outbox").await, 0);
}

async fn a_smaller_number_that_commits_late_is_not_skipped(database: Db) {
    let (users, feed) = (database.users(), database.feed(NEVER));
    let (ada, bob) = (person("ada"), person("bob"));
    let (first, second) = (entities::registered(&ada, None), entities::registered(&bob, None));
    let mut late = users.begin().await.unwrap();
    late.insert(&ada).await.unwrap();
    late.append(&first).await.unwrap();
    let mut early = users.begin().await.unwrap();
    early.insert(&bob).await.unwrap();
    early.append(&second).await.unwrap();
    early.commit().await.unwrap();

    let changes = feed.next(10, Duration::ZERO).await.unwrap();
    assert_eq!(events(&changes), [second]);
    // Must not wait for the open transaction either.
    soon("the acknowledgement", feed.acknowledge(&changes)).await.unwrap();
    late.commit().await.unwrap();
    let later = feed.next(10, Duration::ZERO).await.unwrap();
    assert_eq!(events(&later), [first]);
    assert!(later[0].position < changes[0].position);
}

async fn an_acknowledgement_waits_for_no_open_transaction(database: Db) {
    let (users, feed) = (database.users(), database.feed(NEVER));
    // From one row to so many that a server might rather read the whole table.
    for count in [1, 3, 50, 500] {
        append(&users, &updates_of(1, count)).await;
        let changes = feed.next(1000, Duration::ZERO).await.unwrap();
        assert_eq!(changes.len(), count);
        let mut open = users.begin().await.unwrap();
        open.append(&updates_of(1, 1)[0]).await.unwrap();
        soon("the acknowledgement", feed.acknowledge(&changes)).await.unwrap();
        // And nobody waits for the acknowledgement.
        soon("another change", append(&users, &updates_of(1, 1))).await;
        drop(open);
        feed.acknowledge(&feed.next(1000, Duration::ZERO).await.unwrap()).await.unwrap();
        assert_eq!(database.count("outbox").await, 0);
    }
}

/// A server's column types keep such values out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_sqlite_let_in_is_unreadable_and_not_in_the_way() {
    with_database(Engine::Sqlite, async |database: Db| {
        let written = updates_of(1, 3);
        append(&database.users(), &written).await;
        database.execute("UPDATE outbox SET occurredAt = 'soon' WHERE seq = 1").await;
        database.execute("UPDATE outbox SET userId = x'00' WHERE seq = 2").await;
        let feed = database.feed(NEVER);
        let changes = feed.next(10, Duration::ZERO).await.unwrap();
        for (change, told) in changes[..2].iter().zip(["occurredAt", "userId"]) {
            match &change.content {
                Content::Unreadable(reason) => assert!(reason.contains(told), "{reason}"),
                Content::Event(event) => panic!("{event:?}"),
            }
            feed.bury(change, told).await.unwrap();
        }
        assert_eq!(events(&feed.next(10, Duration::ZERO).await.unwrap()), written[2..]);
    })
    .await;
}
