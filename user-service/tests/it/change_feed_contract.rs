//! What `ChangeFeed` promises, for each way of capturing on each database.

use std::collections::HashSet;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::NaiveDateTime;
use shared_kernel::{ChangeSource, UserEvent};
use tokio::time::{Instant, timeout};
use user_service::entities::{self, FullName};
use user_service::repositories::{CapturedChange, ChangeFeed, Content, UserRepository, UserTransaction};

use crate::support::databases::{Capture, Engine, Handle, TestDatabase, with_database};
use crate::support::outbox::{all, append, events, positions};
use crate::support::people::{Changes, account, new_name, person, updates_of};
use crate::support::waiting::{SOON, soon};

const NEVER: Duration = Duration::from_secs(600);

/// A database and a way to capture its changes.
struct Source {
    database: Arc<TestDatabase>,
    capture: Capture,
    /// The first feed, when it is to be at work before anything is written.
    at_work: Mutex<Option<Arc<dyn ChangeFeed>>>,
}

impl Deref for Source {
    type Target = TestDatabase;

    fn deref(&self) -> &TestDatabase {
        &self.database
    }
}

impl Source {
    /// A feed of this process, which looks at the outbox so often, beside being told of changes.
    fn feed(&self, interval: Duration) -> Arc<dyn ChangeFeed> {
        let at_work = self.at_work.lock().unwrap().take();
        at_work.unwrap_or_else(|| self.feed_of(self.handle(), interval))
    }

    /// As [`updates_of`], of accounts that are there, and that no log tells of.
    async fn updates(&self, users: usize, count: usize) -> Vec<UserEvent> {
        let events = updates_of(users, count);
        if self.capture == Capture::UsersTable {
            let people = events[..users].iter().map(|event| {
                let before = event.change.before.as_ref().unwrap();
                let (id, name, email) = (before.id.0.simple(), &before.username, &before.email);
                format!("(x'{id}', '{name}', '{email}', '-', '{ALWAYS}', '{ALWAYS}')")
            });
            let people = people.collect::<Vec<_>>().join(", ");
            self.execute(&format!(
                "SET SESSION sql_log_bin = 0; DELETE FROM users; \
                 INSERT INTO users (id, username, email, password, createdAt, passwordChangedAt) VALUES {people}; \
                 SET SESSION sql_log_bin = 1"
            ))
            .await;
        }
        events
    }

    /// Commits these in one transaction.
    async fn append(&self, events: &[UserEvent]) {
        commit(&self.users(), self.capture, events).await;
    }

    /// What has come, with what is told of its capture left out.
    fn told(&self, changes: &[CapturedChange]) -> Vec<UserEvent> {
        let mut told = events(changes);
        for event in &mut told {
            if event.change.source.capture == "users-table" {
                event.change.ts_ms = event.metadata.time.timestamp_millis();
                event.change.source = ChangeSource::outbox(event.change.ts_ms);
            }
        }
        told
    }

    /// Asserts how many rows of the outbox are left, which may take a moment where they are deleted with the position.
    async fn outbox_has(&self, feed: &Arc<dyn ChangeFeed>, count: usize) {
        let deadline = Instant::now() + SOON;
        while self.capture == Capture::UsersTable && self.count("outbox").await != count {
            feed.acknowledge(&[]).await.unwrap();
            assert!(Instant::now() < deadline, "not {count}");
        }
        assert_eq!(self.count("outbox").await, count);
    }

    /// A feed of that process.
    fn feed_of(&self, process: &Handle, interval: Duration) -> Arc<dyn ChangeFeed> {
        self.database.feed(process, self.capture, interval)
    }
}

/// A column that no change here is about.
const ALWAYS: &str = "2030-01-01 00:00:00";

/// Commits these in one transaction, with the rows of the users where those are captured.
async fn commit(users: &Arc<dyn UserRepository>, capture: Capture, events: &[UserEvent]) {
    begun(users, capture, events).await.commit().await.unwrap();
}

/// As [`commit`], to be committed.
async fn begun(
    users: &Arc<dyn UserRepository>,
    capture: Capture,
    events: &[UserEvent],
) -> Box<dyn UserTransaction> {
    let mut transaction = users.begin().await.unwrap();
    for event in events {
        if capture == Capture::UsersTable {
            let after = event.change.after.as_ref().unwrap();
            let mut user = account(&after.username, &after.email);
            user.id = after.id;
            user.full_name = after.full_name.as_deref().map(|name| FullName::parse(name).unwrap());
            (user.version, user.security_version) = (event.change.version, event.change.security_version);
            (user.last_updated, user.last_event_id) = (event.metadata.time, event.metadata.id);
            user.created_at = NaiveDateTime::parse_from_str(ALWAYS, "%F %T").unwrap().and_utc();
            user.password_changed_at = user.created_at;
            transaction.update(&user).await.unwrap();
        }
        transaction.append(event).await.unwrap();
    }
    transaction
}

#[derive(Debug, Clone, Copy)]
enum Begun {
    /// What is written before the feed is first asked is there then.
    Later,
    /// The feed waits for what is written.
    Before,
}

async fn run_on<Fut>(engine: Engine, capture: Capture, begun: Begun, case: fn(Source) -> Fut)
where
    Fut: Future<Output = ()> + Send + 'static,
{
    with_database(engine, async move |database: Arc<TestDatabase>| {
        let source = Source { database, capture, at_work: Mutex::default() };
        if let Begun::Before = begun {
            let feed = source.feed(NEVER);
            assert!(feed.next(1, Duration::ZERO).await.unwrap().is_empty());
            *source.at_work.lock().unwrap() = Some(feed);
        }
        case(source).await;
    })
    .await;
}

/// Runs every case on each of the sources, in a module and a database of its own.
macro_rules! on_each_source {
    ([$($module:ident: $engine:ident $capture:ident $begun:ident),* $(,)?] $cases:tt) => {
        $(
            mod $module {
                super::super::on_each_source!(@cases $engine $capture $begun $cases);
            }
        )*
    };
    (@cases $engine:ident $capture:ident $begun:ident [$($case:ident),* $(,)?]) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                use super::super::{Begun, Capture, Engine, run_on};
                run_on(Engine::$engine, Capture::$capture, Begun::$begun, super::super::$case).await;
            }
        )*
    };
}

use on_each_source;

mod on {
    super::on_each_source! {
        [
            sqlite_polled: Sqlite Polled Later,
            mariadb_polled: MariaDb Polled Later,
            mysql_polled: MySql Polled Later,
            mariadb_binlog_swept: MariaDb Binlog Later,
            mariadb_binlog_tailed: MariaDb Binlog Before,
            mysql_binlog_swept: MySql Binlog Later,
            mysql_binlog_tailed: MySql Binlog Before,
            mariadb_users_swept: MariaDb UsersTable Later,
            mariadb_users_tailed: MariaDb UsersTable Before,
            mysql_users_swept: MySql UsersTable Later,
            mysql_users_tailed: MySql UsersTable Before,
        ]
        [
            changes_come_in_order_and_unchanged,
            no_more_come_than_asked_for,
            what_is_in_hand_does_not_come_again_until_it_is_given_back,
            with_nothing_there_nothing_comes_after_the_wait,
            what_is_acknowledged_does_not_come_again,
            acknowledging_twice_or_nothing_is_harmless,
            what_is_not_acknowledged_comes_again_after_a_restart,
            nothing_comes_of_what_was_undone,
            a_commit_of_this_process_is_told_at_once,
            a_commit_of_another_process_is_found,
            a_cancelled_wait_loses_nothing,
        ]
    }
}

/// Of the users' rows `users_capture.rs` holds the same.
mod with_what_cannot_be_published_on {
    super::on_each_source! {
        [
            sqlite_polled: Sqlite Polled Later,
            mariadb_polled: MariaDb Polled Later,
            mysql_polled: MySql Polled Later,
            mariadb_binlog_swept: MariaDb Binlog Later,
            mariadb_binlog_tailed: MariaDb Binlog Before,
            mysql_binlog_swept: MySql Binlog Later,
            mysql_binlog_tailed: MySql Binlog Before,
        ]
        [
            a_buried_change_is_kept_with_the_reason_and_does_not_come_again,
            what_a_newer_version_has_written_comes_as_it_was_stored,
            what_cannot_be_read_comes_as_such_and_can_be_buried,
        ]
    }
}

/// On SQLite writers take turns: a number is given under the lock that is held until the commit, so none
/// can be committed late, and waiting for it would wait for ever.
mod with_concurrent_writers_on {
    super::on_each_source! {
        [
            mariadb_polled: MariaDb Polled Later,
            mysql_polled: MySql Polled Later,
            mariadb_binlog_swept: MariaDb Binlog Later,
            mariadb_binlog_tailed: MariaDb Binlog Before,
            mysql_binlog_swept: MySql Binlog Later,
            mysql_binlog_tailed: MySql Binlog Before,
        ]
        [
            a_smaller_number_that_commits_late_is_not_skipped,
            an_acknowledgement_waits_for_no_open_transaction,
            a_number_that_was_given_again_is_another_change,
        ]
    }
}

async fn changes_come_in_order_and_unchanged(source: Source) {
    let mut written = source.updates(3, 4).await;
    if source.capture != Capture::UsersTable {
        // A user's row does not tell it.
        written[5].metadata.traceparent =
            Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    }
    written[11].change.after.as_mut().unwrap().full_name = Some("Ada 🦀".into());
    source.append(&written[..7]).await;
    source.append(&written[7..]).await;
    let changes = all(&source.feed(NEVER), written.len()).await;
    assert_eq!(source.told(&changes), written);
    assert!(changes.is_sorted_by(|one, next| one.position < next.position));
}

async fn no_more_come_than_asked_for(source: Source) {
    let written = source.updates(1, 5).await;
    source.append(&written).await;
    let feed = source.feed(NEVER);
    all(&feed, 5).await;
    feed.rewind();
    for part in [&written[..3], &written[3..], &[]] {
        assert_eq!(source.told(&feed.next(3, Duration::ZERO).await.unwrap()), part);
    }
}

/// So that it can be read on while what came before is on its way to the broker. What was written after the sweep began
/// comes when all that it returned is settled.
async fn what_is_in_hand_does_not_come_again_until_it_is_given_back(source: Source) {
    let written = source.updates(2, 5).await;
    source.append(&written[..8]).await;
    let feed = source.feed(NEVER);
    all(&feed, 8).await;
    feed.rewind();
    let first = feed.next(2, Duration::ZERO).await.unwrap();
    let second = feed.next(3, Duration::ZERO).await.unwrap();
    // In whichever order the broker's answers come.
    feed.acknowledge(&positions(&second)).await.unwrap();
    source.append(&written[8..]).await;
    let third = feed.next(3, NEVER).await.unwrap();
    assert_eq!(source.told(&[&first[..], &second, &third].concat()), written[..8]);

    feed.acknowledge(&positions(&third)).await.unwrap();
    feed.rewind();
    let left = feed.next(2, Duration::ZERO).await.unwrap();
    assert_eq!(source.told(&left), written[..2]);
    feed.acknowledge(&positions(&left)).await.unwrap();
    let rest = feed.next(100, NEVER).await.unwrap();
    assert_eq!(source.told(&rest), written[8..]);
}

async fn with_nothing_there_nothing_comes_after_the_wait(source: Source) {
    let feed = source.feed(NEVER);
    assert!(soon("no wait", feed.next(10, Duration::ZERO)).await.unwrap().is_empty());
    assert!(soon("the wait", feed.next(10, Duration::from_millis(30))).await.unwrap().is_empty());
}

async fn what_is_acknowledged_does_not_come_again(source: Source) {
    let written = source.updates(1, 5).await;
    source.append(&written).await;
    let feed = source.feed(NEVER);
    let changes = all(&feed, 5).await;
    // Not only a beginning: whatever is acknowledged, and nothing else.
    feed.acknowledge(&[changes[0].position, changes[1].position, changes[3].position]).await.unwrap();
    feed.rewind();
    let left = feed.next(100, Duration::ZERO).await.unwrap();
    assert_eq!(source.told(&left), [written[2].clone(), written[4].clone()]);
    feed.acknowledge(&positions(&left)).await.unwrap();
    source.outbox_has(&feed, 0).await;
    // A number is never given again.
    source.append(&source.updates(1, 1).await).await;
    let next = feed.next(100, Duration::ZERO).await.unwrap();
    assert!(next[0].position > changes[4].position);
}

async fn acknowledging_twice_or_nothing_is_harmless(source: Source) {
    source.append(&source.updates(1, 2).await).await;
    let feed = source.feed(NEVER);
    let changes = feed.next(1, Duration::ZERO).await.unwrap();
    feed.acknowledge(&positions(&changes)).await.unwrap();
    feed.acknowledge(&positions(&changes)).await.unwrap();
    feed.acknowledge(&[]).await.unwrap();
    source.outbox_has(&feed, 1).await;
}

async fn what_is_not_acknowledged_comes_again_after_a_restart(source: Source) {
    let written = source.updates(1, 3).await;
    source.append(&written).await;
    let feed = source.feed(NEVER);
    assert_eq!(source.told(&all(&feed, 3).await), written);
    assert_eq!(source.told(&all(&feed, 3).await), written);
    drop(feed);
    let restarted = source.another_process().await;
    assert_eq!(source.told(&all(&source.feed_of(&restarted, NEVER), 3).await), written);
    restarted.close().await;
}

async fn a_buried_change_is_kept_with_the_reason_and_does_not_come_again(source: Source) {
    let written = updates_of(1, 3);
    append(&source.users(), &written).await;
    let feed = source.feed(NEVER);
    let changes = all(&feed, 3).await;
    let row = "SELECT CONCAT_WS('|', HEX(id), CAST(seq AS CHAR), payload)";
    let before = source.texts(&format!("{row} FROM outbox WHERE seq = {}", changes[1].position)).await;
    // Longer than the column, and not to be cut within a character.
    let reason = format!("too large 🦀{}", "🦀".repeat(2000));
    feed.bury(changes[1].position, &reason).await.unwrap();

    feed.rewind();
    let left = feed.next(100, Duration::ZERO).await.unwrap();
    assert_eq!(events(&left), [written[0].clone(), written[2].clone()]);
    assert_eq!(source.texts(&format!("{row} FROM deadOutbox")).await, before);
    let kept = source.texts("SELECT reason FROM deadOutbox").await;
    assert!(reason.starts_with(&kept[0]) && kept[0].chars().count() == 1000, "{kept:?}");
    // Again, after a crash before the relay knew, say.
    feed.bury(changes[1].position, "again").await.unwrap();
    assert_eq!(source.count("deadOutbox").await, 1);
}

async fn what_a_newer_version_has_written_comes_as_it_was_stored(source: Source) {
    let written = updates_of(1, 2);
    append(&source.users(), &written[..1]).await;
    let (renamed, payload) = ("inf-user.user.renamed.v2", r#"{"op": "u", "to": "Grace"}"#);
    source
        .execute(&format!(
            "INSERT INTO outbox (id, userId, eventType, occurredAt, payload, traceparent) \
             SELECT x'{:032}', userId, '{renamed}', occurredAt, '{payload}', 'trace' FROM outbox LIMIT 1",
            1
        ))
        .await;
    source
        .execute(&format!(
            "INSERT INTO outbox (id, userId, eventType, occurredAt, payload) \
             SELECT x'{:032}', userId, eventType, occurredAt, REPLACE(payload, '{{\"op\"', '{{\"more\":7,\"op\"') \
             FROM outbox WHERE eventType <> '{renamed}' LIMIT 1",
            2
        ))
        .await;
    append(&source.users(), &written[1..]).await;
    let feed = source.feed(NEVER);
    let changes = all(&feed, 4).await;
    let newer = |change: &CapturedChange| match &change.content {
        Content::Newer(event) => event.clone(),
        other => panic!("{other:?}"),
    };
    let (unknown, additive) = (newer(&changes[1]), newer(&changes[2]));
    assert_eq!((&*unknown.type_name, &*unknown.payload), (renamed, payload));
    assert_eq!(unknown.subject, written[0].metadata.subject);
    assert_eq!((unknown.traceparent.as_deref(), unknown.changes_a_row), (Some("trace"), true));
    assert_eq!(additive.type_name, written[0].metadata.event_type.as_str());
    assert!(additive.payload.starts_with(r#"{"more":7,"op""#), "{}", additive.payload);
    feed.acknowledge(&positions(&changes)).await.unwrap();
    assert_eq!((source.count("outbox").await, source.count("deadOutbox").await), (0, 0));
}

async fn what_cannot_be_read_comes_as_such_and_can_be_buried(source: Source) {
    let written = updates_of(1, 2);
    append(&source.users(), &written[..1]).await;
    for (n, event_type, payload) in
        [(1, "eventType", "'{\"op\":7}'"), (2, "eventType", "'no json'"), (3, "'other.v9'", "payload")]
    {
        let copied = format!("x'{n:032}', userId, {event_type}, occurredAt, {payload}");
        source
            .execute(&format!(
                "INSERT INTO outbox (id, userId, eventType, occurredAt, payload) SELECT {copied} FROM outbox LIMIT 1"
            ))
            .await;
    }
    append(&source.users(), &written[1..]).await;
    let feed = source.feed(NEVER);
    let changes = all(&feed, 5).await;
    for (change, told) in changes[1..4].iter().zip(["payload", "payload", "other.v9"]) {
        match &change.content {
            Content::Unreadable(reason) => {
                assert!(reason.contains(told), "{reason}");
                feed.bury(change.position, reason).await.unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(source.count("deadOutbox").await, 3);
    feed.rewind();
    assert_eq!(events(&feed.next(100, Duration::ZERO).await.unwrap()), written);
}

async fn nothing_comes_of_what_was_undone(source: Source) {
    let written = source.updates(2, 1).await;
    let feed = source.feed(NEVER);
    let transaction = begun(&source.users(), source.capture, &written[..1]).await;
    assert!(feed.next(10, Duration::ZERO).await.unwrap().is_empty());
    drop(transaction);
    source.append(&written[1..]).await;
    assert_eq!(source.told(&feed.next(10, Duration::ZERO).await.unwrap()), written[1..]);
}

async fn a_commit_of_this_process_is_told_at_once(source: Source) {
    let (users, feed) = (source.users(), source.feed(NEVER));
    let waiting = Arc::clone(&feed);
    let waiting = tokio::spawn(async move { waiting.next(10, NEVER).await.unwrap() });
    let changes = Changes::on(&users);
    let ada = changes.register("ada", "ada@example.org").await.unwrap();
    let told = soon("being woken", waiting).await.unwrap();
    assert_eq!(source.told(&told)[0].metadata.id, ada.last_event_id);

    // Also a commit of a moment in which nobody was waiting.
    feed.acknowledge(&positions(&told)).await.unwrap();
    let ada = changes.update(ada.id, new_name("Ada")).await.unwrap();
    let told = soon("the next", feed.next(10, NEVER)).await.unwrap();
    assert_eq!(source.told(&told)[0].metadata.id, ada.last_event_id);
}

async fn a_commit_of_another_process_is_found(source: Source) {
    let feed = source.feed(Duration::from_millis(10));
    let waiting = tokio::spawn(async move { feed.next(10, NEVER).await.unwrap() });
    let other = source.another_process().await;
    let written = source.updates(1, 1).await;
    commit(&other.users(), source.capture, &written).await;
    assert_eq!(source.told(&soon("being found", waiting).await.unwrap()), written);
    other.close().await;
}

async fn a_cancelled_wait_loses_nothing(source: Source) {
    let (users, written) = (source.users(), source.updates(1, 40).await);
    let writing = {
        let (written, capture) = (written.clone(), source.capture);
        tokio::spawn(async move {
            for event in &written {
                commit(&users, capture, std::slice::from_ref(event)).await;
            }
        })
    };
    let feed = source.feed(NEVER);
    let mut seen = Vec::new();
    let reading = async {
        // Most of the calls are cancelled somewhere on their way.
        for n in (0..).map(|n| n % 12) {
            let next = feed.next(3, NEVER);
            if let Ok(changes) = timeout(Duration::from_micros(200 << n), next).await {
                let changes = changes.unwrap();
                feed.acknowledge(&positions(&changes)).await.unwrap();
                seen.extend(source.told(&changes));
                // What is committed while the outbox is swept comes by the log as well.
                if source.capture == Capture::UsersTable {
                    let mut ids = HashSet::new();
                    seen.retain(|event| ids.insert(event.metadata.id));
                }
            }
            if seen.len() >= written.len() {
                break;
            }
        }
    };
    soon("all of them", reading).await;
    writing.await.unwrap();
    assert_eq!(seen, written);
    source.outbox_has(&feed, 0).await;
}

async fn a_smaller_number_that_commits_late_is_not_skipped(source: Source) {
    let (users, feed) = (source.users(), source.feed(NEVER));
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
    soon("the acknowledgement", feed.acknowledge(&positions(&changes))).await.unwrap();
    late.commit().await.unwrap();
    let later = feed.next(10, Duration::ZERO).await.unwrap();
    assert_eq!(events(&later), [first]);
    assert!(later[0].position < changes[0].position);
}

async fn an_acknowledgement_waits_for_no_open_transaction(source: Source) {
    let (users, feed) = (source.users(), source.feed(NEVER));
    // From one row to so many that a server might rather read the whole table.
    for count in [1, 3, 50, 500] {
        append(&users, &updates_of(1, count)).await;
        let changes = all(&feed, count).await;
        let mut open = users.begin().await.unwrap();
        open.append(&updates_of(1, 1)[0]).await.unwrap();
        soon("the acknowledgement", feed.acknowledge(&positions(&changes))).await.unwrap();
        // And nobody waits for the acknowledgement.
        soon("another change", append(&users, &updates_of(1, 1))).await;
        drop(open);
        feed.acknowledge(&positions(&all(&feed, 1).await)).await.unwrap();
        assert_eq!(source.count("outbox").await, 0);
    }
}

/// A server's column types keep such values out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_sqlite_let_in_is_unreadable_and_not_in_the_way() {
    with_database(Engine::Sqlite, async |database: Arc<TestDatabase>| {
        let written = updates_of(1, 3);
        append(&database.users(), &written).await;
        database.execute("UPDATE outbox SET occurredAt = 'soon' WHERE seq = 1").await;
        database.execute("UPDATE outbox SET userId = x'00' WHERE seq = 2").await;
        let feed = database.polled_feed(NEVER);
        let changes = feed.next(10, Duration::ZERO).await.unwrap();
        for (change, told) in changes[..2].iter().zip(["occurredAt", "userId"]) {
            match &change.content {
                Content::Unreadable(reason) => assert!(reason.contains(told), "{reason}"),
                other => panic!("{other:?}"),
            }
            feed.bury(change.position, told).await.unwrap();
        }
        feed.rewind();
        assert_eq!(events(&feed.next(10, Duration::ZERO).await.unwrap()), written[2..]);
    })
    .await;
}

/// As a promoted replica does that lacks what was published.
async fn a_number_that_was_given_again_is_another_change(source: Source) {
    let feed = source.feed(NEVER);
    append(&source.users(), &updates_of(1, 3)).await;
    let changes = all(&feed, 3).await;
    let again = changes[1].position;
    source
        .execute(&format!("UPDATE outbox SET id = UNHEX(REPLACE(UUID(), '-', '')) WHERE seq = {again}"))
        .await;
    feed.acknowledge(&positions(&changes)).await.unwrap();
    assert_eq!(source.texts("SELECT CAST(seq AS CHAR) FROM outbox").await, [again.to_string()]);
    drop(feed);
    let restarted = source.feed(NEVER);
    assert_eq!(positions(&all(&restarted, 1).await), [again]);
}
