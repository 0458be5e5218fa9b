//! What the rows of `users` in the binary log bring, and what they do not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use shared_kernel::{BinlogPlace, EventId, EventType, Op, UserEvent, UserField, UserId};
use tokio::time::sleep;
use user_service::entities::{self, FieldUpdate, PostalAddress, User, UserUpdate};
use user_service::repositories::{CapturedChange, ChangeFeed, Content};
use uuid::Uuid;

use crate::support::databases::{Capture, TestDatabase};
use crate::support::on_each_engine;
use crate::support::outbox::{all, append, events, positions};
use crate::support::people::{Changes, new_name, new_stamp, person, store};
use crate::support::waiting::soon;

type Db = Arc<TestDatabase>;

const NEVER: Duration = Duration::from_secs(600);

mod on {
    super::on_each_engine! {
        [mariadb: MariaDb, mysql: MySql]
        [
            what_user_service_changes_is_told_as_by_the_outbox,
            what_another_program_changes_is_told,
            what_changes_nothing_that_shows_is_not_told,
            requests_come_by_the_outbox_and_its_other_rows_are_dropped,
            rows_of_one_statement_come_in_their_order,
            nothing_comes_of_what_was_undone,
            a_row_that_commits_late_is_not_skipped,
            the_log_may_go_on_in_another_file,
            columns_are_known_whatever_the_log_tells_of_them,
            tables_may_get_columns_meanwhile,
            ids_may_end_in_zeros,
            a_row_that_cannot_be_understood_is_set_aside_and_the_others_go_on,
            a_change_that_can_never_be_published_is_set_aside_once,
            nothing_is_missed_or_reordered_while_many_write_and_connections_break,
        ]
    }
}

/// A feed that has swept the empty outbox and follows the log.
async fn at_work(database: &Db) -> Arc<dyn ChangeFeed> {
    let feed = database.feed(database.handle(), Capture::UsersTable, NEVER);
    assert!(feed.next(1, Duration::ZERO).await.unwrap().is_empty());
    feed
}

/// Registers somebody.
async fn keep(database: &Db, user: &User) {
    store(&database.users(), [user]).await;
}

/// A row that another program inserts.
fn inserted(n: u128, username: &str) -> String {
    let id = Uuid::from_u128(n).simple();
    format!(
        "INSERT INTO users (id, username, email, password) VALUES (x'{id}', '{username}', '{username}@sql.example', 'a')"
    )
}

fn full_name(change: &CapturedChange) -> Option<String> {
    match &change.content {
        Content::Event(event) => event.change.after.as_ref().unwrap().full_name.clone(),
        other => panic!("{other:?}"),
    }
}

fn names(changes: &[CapturedChange]) -> Vec<String> {
    changes.iter().map(|change| full_name(change).unwrap_or_default()).collect()
}

/// The rows of the outbox, as another capture publishes them.
async fn in_outbox(database: &Db) -> Vec<UserEvent> {
    events(&all(&database.polled_feed(NEVER), database.count("outbox").await).await)
}

async fn what_user_service_changes_is_told_as_by_the_outbox(database: Db) {
    let feed = at_work(&database).await;
    let changes = Changes::on(&database.users());
    let ada = changes.register("ada", "ada@example.org").await.unwrap();
    changes.update(ada.id, new_name("Ada 🦀")).await.unwrap();
    let address = FieldUpdate::Set(Some(PostalAddress::parse("1 Secret Lane").unwrap()));
    changes.update(ada.id, UserUpdate { address, ..UserUpdate::default() }).await.unwrap();
    changes.delete(ada.id, None).await.unwrap();
    let expected = in_outbox(&database).await;
    let told = events(&all(&feed, 4).await);
    for (told, expected) in told.iter().zip(&expected) {
        let mut as_by_outbox = told.clone();
        let source = &told.change.source;
        assert_eq!((source.connector.as_str(), source.capture.as_str()), ("inf-user", "users-table"));
        assert_eq!((source.db.as_str(), source.table.as_str()), (database.on_its_server().1, "users"));
        assert!(source.gtid.is_some() && source.pos.is_some_and(|pos| pos > 4), "{source:?}");
        assert!(source.file.as_ref().unwrap().starts_with("binlog.0"), "{source:?}");
        as_by_outbox.change.source = expected.change.source.clone();
        as_by_outbox.change.ts_ms = expected.change.ts_ms;
        if told.metadata.event_type == EventType::Deleted {
            // Nothing but the log says when a row went.
            assert!((told.metadata.time - expected.metadata.time).num_seconds().abs() < 10);
            as_by_outbox.metadata.time = expected.metadata.time;
        }
        assert_eq!(as_by_outbox, *expected);
    }
    assert_eq!(told[2].change.changed, [UserField::Address]);
}

async fn what_another_program_changes_is_told(database: Db) {
    let feed = at_work(&database).await;
    database.execute(&inserted(7, "gus")).await;
    database
        .execute("UPDATE users SET fullName = 'Gus', dateOfBirth = '1990-01-02', status = 'Confirmed'")
        .await;
    database.execute("UPDATE users SET password = 'b', passwordChangedAt = '2030-01-01 00:00:00.5'").await;
    database.execute("UPDATE users SET email = 'new@sql.example', version = version + 1").await;
    database.execute("DELETE FROM users").await;
    let told = events(&all(&feed, 5).await);
    let id = UserId(Uuid::from_u128(7));
    let changed: Vec<_> = told.iter().map(|event| event.change.changed.clone()).collect();
    assert_eq!(
        changed,
        [
            vec![],
            vec![UserField::FullName, UserField::DateOfBirth, UserField::Status],
            vec![UserField::Password],
            vec![UserField::Email],
            vec![]
        ]
    );
    let ops: Vec<_> = told.iter().filter_map(|event| event.change.op).collect();
    assert_eq!(ops, [Op::Create, Op::Update, Op::Update, Op::Update, Op::Delete]);
    let versions: Vec<_> = told.iter().map(|event| event.change.version).collect();
    assert_eq!(versions, [1, 1, 1, 2, 3]);
    for event in &told[..4] {
        let (source, change) = (&event.change.source, &event.change);
        let place = BinlogPlace {
            gtid: source.gtid.as_deref(),
            server_id: 0,
            file: "",
            pos: 0,
            row: 0,
            committed_ms: source.ts_ms,
        };
        let derived = EventId::of_other_program(&place, change.before.as_ref(), change.after.as_ref());
        assert_eq!((event.metadata.id, event.metadata.subject), (derived, id));
        assert_eq!(event.metadata.time.timestamp_millis(), source.ts_ms);
    }
    assert_eq!(told[4].metadata.id, EventId::of_deletion(id, EventId::default()));
    assert!(told[4].change.before.is_some() && told[4].change.after.is_none());
}

async fn what_changes_nothing_that_shows_is_not_told(database: Db) {
    let feed = at_work(&database).await;
    keep(&database, &person("ada")).await;
    for update in ["password = 'rehashed'", "lastUpdated = '2030-01-01'", "role = 'admin'", "fullName = NULL"]
    {
        database.execute(&format!("UPDATE users SET {update}")).await;
    }
    database.execute("UPDATE users SET fullName = 'Ada'").await;
    let changes = all(&feed, 2).await;
    assert_eq!(names(&changes), ["", "Ada"]);
}

async fn requests_come_by_the_outbox_and_its_other_rows_are_dropped(database: Db) {
    let feed = at_work(&database).await;
    let (users, ada) = (database.users(), person("ada"));
    let request = entities::password_reset_requested(&ada, new_stamp(), Some("00-1-2-3".into()));
    let again = entities::confirmation_requested(&ada, new_stamp(), None);
    keep(&database, &ada).await;
    append(&users, &[request.clone(), again.clone()]).await;
    assert_eq!(database.count("outbox").await, 3);
    let changes = all(&feed, 3).await;
    assert_eq!(events(&changes)[1..], [request, again]);
    feed.acknowledge(&positions(&changes[..2])).await.unwrap();
    // Nothing is stored before its turn.
    assert!(feed.next(1, Duration::ZERO).await.unwrap().is_empty());
    assert_eq!(database.count("outbox").await, 1);
    feed.acknowledge(&positions(&changes[2..])).await.unwrap();
    assert!(feed.next(1, Duration::ZERO).await.unwrap().is_empty());
    assert_eq!(database.count("outbox").await, 0);
}

async fn rows_of_one_statement_come_in_their_order(database: Db) {
    let feed = at_work(&database).await;
    let rows: Vec<_> =
        (0..300).map(|n| format!("(x'{n:032x}', 'u{n:03}', 'u{n:03}@sql.example', 'a')")).collect();
    let insert = "INSERT INTO users (id, username, email, password) VALUES";
    database.execute(&format!("{insert} {}", rows.join(", "))).await;
    database.execute("UPDATE users SET fullName = CONCAT('name of ', username) ORDER BY username DESC").await;
    let changes = all(&feed, 600).await;
    let inserted = events(&changes[..300]);
    assert!(inserted.is_sorted_by_key(|event| event.metadata.subject));
    let expected: Vec<_> = (0..300).rev().map(|n| format!("name of u{n:03}")).collect();
    assert_eq!(names(&changes[300..]), expected);
    assert!(changes.is_sorted_by(|one, next| one.position < next.position));
    let ids: BTreeSet<_> = events(&changes).iter().map(|event| event.metadata.id).collect();
    assert_eq!(ids.len(), 600);
}

async fn nothing_comes_of_what_was_undone(database: Db) {
    let feed = at_work(&database).await;
    database.execute(&inserted(1, "ada")).await;
    let undone = "UPDATE users SET fullName = 'undone'";
    database.execute(&format!("BEGIN; {undone}; ROLLBACK")).await;
    database
        .execute(&format!(
            "BEGIN; UPDATE users SET fullName = 'one'; SAVEPOINT s; {undone}; ROLLBACK TO SAVEPOINT s; \
             UPDATE users SET fullName = 'two'; COMMIT"
        ))
        .await;
    assert_eq!(names(&all(&feed, 3).await), ["", "one", "two"]);
    database.execute("UPDATE users SET fullName = 'three'").await;
    assert_eq!(names(&all(&feed, 4).await)[3..], ["three"]);
}

async fn a_row_that_commits_late_is_not_skipped(database: Db) {
    let feed = at_work(&database).await;
    let (users, ada, bob) = (database.users(), person("ada"), person("bob"));
    let mut late = users.begin().await.unwrap();
    late.insert(&ada).await.unwrap();
    late.append(&entities::registered(&ada, None)).await.unwrap();
    keep(&database, &bob).await;
    let first = all(&feed, 1).await;
    feed.acknowledge(&positions(&first)).await.unwrap();
    late.commit().await.unwrap();
    let second = all(&feed, 1).await;
    let subjects =
        events(&[first, second].concat()).iter().map(|event| event.metadata.subject).collect::<Vec<_>>();
    assert_eq!(subjects, [bob.id, ada.id]);
}

async fn the_log_may_go_on_in_another_file(database: Db) {
    let feed = at_work(&database).await;
    database.execute(&inserted(1, "ada")).await;
    for n in 0..4 {
        database.execute("FLUSH BINARY LOGS").await;
        database.execute(&format!("UPDATE users SET fullName = 'name {n}'")).await;
    }
    let changes = all(&feed, 5).await;
    assert_eq!(names(&changes)[1..], ["name 0", "name 1", "name 2", "name 3"]);
    let files: BTreeSet<_> = events(&changes).iter().map(|event| event.change.source.file.clone()).collect();
    assert!(files.len() >= 5, "{files:?}");
}

/// The setting is the whole server's: other tests' feeds meet both values too.
async fn columns_are_known_whatever_the_log_tells_of_them(database: Db) {
    let feed = at_work(&database).await;
    let setting = "SELECT CAST(@@GLOBAL.binlog_row_metadata AS CHAR)";
    let before = database.texts(setting).await;
    database.execute(&inserted(1, "ada")).await;
    for metadata in ["FULL", "MINIMAL", "FULL"] {
        database.execute(&format!("SET GLOBAL binlog_row_metadata = {metadata}")).await;
        let status = if metadata == "FULL" { "Confirmed" } else { "Unconfirmed" };
        database.execute(&format!("UPDATE users SET fullName = '{metadata}', status = '{status}'")).await;
        // A new layout each time.
        database.execute("ALTER TABLE users COMMENT = 'x'").await;
    }
    database.execute(&format!("SET GLOBAL binlog_row_metadata = {}", before[0])).await;
    let changes = all(&feed, 4).await;
    assert_eq!(names(&changes)[1..], ["FULL", "MINIMAL", "FULL"]);
    let statuses: Vec<_> =
        events(&changes).iter().map(|e| e.change.after.as_ref().unwrap().status.as_str()).collect();
    assert_eq!(statuses, ["Unconfirmed", "Confirmed", "Unconfirmed", "Confirmed"]);
}

async fn tables_may_get_columns_meanwhile(database: Db) {
    let feed = at_work(&database).await;
    keep(&database, &person("ada")).await;
    for (n, table) in [
        "users ADD COLUMN note VARCHAR(20) NULL",
        "outbox ADD COLUMN note VARCHAR(20) NULL",
        "users ADD COLUMN first BIGINT NOT NULL DEFAULT 7 FIRST",
        "users ADD COLUMN kinds SET('a', 'b') NULL, ADD COLUMN price DECIMAL(30, 7) NOT NULL DEFAULT 12.5",
        "users ADD COLUMN document JSON NULL AFTER username, ADD COLUMN t TIMESTAMP(3) NULL, ADD COLUMN b BIT(11) NULL",
        "users ADD COLUMN h TIME(2) NULL, ADD COLUMN y YEAR NULL, ADD COLUMN f FLOAT NULL, ADD COLUMN c CHAR(250) NULL, ADD COLUMN x LONGBLOB NULL",
    ]
    .into_iter()
    .enumerate()
    {
        database.execute(&format!("ALTER TABLE {table}")).await;
        if n == 5 {
            database
                .execute(
                    "UPDATE users SET document = '{\"a\":1}', t = NOW(), b = 5, h = '01:02:03', y = 2030, f = 1.5, \
                     c = REPEAT('ö', 200), x = REPEAT('x', 70000), kinds = 'a,b'",
                )
                .await;
        }
        database.execute(&format!("UPDATE users SET fullName = 'name {n}'")).await;
        let changes = all(&feed, if n == 0 { 2 } else { 1 }).await;
        assert_eq!(full_name(changes.last().unwrap()).unwrap(), format!("name {n}"));
        feed.acknowledge(&positions(&changes)).await.unwrap();
    }
}

/// Which the log leaves out.
async fn ids_may_end_in_zeros(database: Db) {
    let feed = at_work(&database).await;
    let mut ada = person("ada");
    ada.id = UserId(Uuid::from_u128(0xab << 120));
    ada.last_event_id = EventId(Uuid::from_u128(0xcd << 64));
    keep(&database, &ada).await;
    let told = events(&all(&feed, 1).await);
    assert_eq!((told[0].metadata.subject, told[0].metadata.id), (ada.id, ada.last_event_id));
}

async fn a_row_that_cannot_be_understood_is_set_aside_and_the_others_go_on(database: Db) {
    let feed = at_work(&database).await;
    let ada = person("ada");
    keep(&database, &ada).await;
    database
        .execute("ALTER TABLE users MODIFY status ENUM('Unconfirmed', 'Confirmed', 'Banned') NOT NULL")
        .await;
    database.execute("UPDATE users SET status = 'Banned'").await;
    database.execute("UPDATE users SET fullName = 'Ada', status = 'Confirmed'").await;
    database.execute("UPDATE users SET fullName = 'Eda'").await;
    database
        .execute(
            "SET SESSION binlog_row_image = MINIMAL; UPDATE users SET fullName = 'Ida'; \
             UPDATE users SET id = x'0123'; SET SESSION binlog_row_image = FULL",
        )
        .await;
    database.execute("UPDATE users SET id = x'4567'; UPDATE users SET fullName = 'Oda'").await;
    database.execute("ALTER TABLE users DROP COLUMN securityVersion").await;
    database.execute("UPDATE users SET fullName = 'Uda'").await;
    let mut seen = vec![];
    while seen.len() < 9 {
        for change in soon(&format!("the next after {seen:?}"), feed.next(10, NEVER)).await.unwrap() {
            if let Content::Unreadable(reason) = &change.content {
                feed.bury(change.position, reason).await.unwrap();
                seen.push(reason.clone());
            } else {
                feed.acknowledge(&[change.position]).await.unwrap();
                seen.push(full_name(&change).unwrap_or_default());
            }
        }
    }
    let told = [
        "",
        "status",
        "status",
        "Eda",
        "binlog_row_image",
        "binlog_row_image",
        "the id of a row",
        "Oda",
        "securityVersion",
    ];
    for (seen, told) in seen.iter().zip(told) {
        assert!(seen.contains(told), "{seen:?}, expected {told:?}");
    }
    let dead = database
        .texts("SELECT CONCAT_WS(' ', eventType, HEX(userId), payload) FROM deadOutbox ORDER BY seq")
        .await;
    assert_eq!(dead.len(), 6);
    for row in &dead {
        assert!(
            row.starts_with("inf-user.user.updated.v1 ")
                && row.contains("\"pos\":")
                && !row.contains("argon2"),
            "{row}"
        );
    }
    let user = ada.id.0.simple();
    assert!(dead[5].contains(&format!(" {user:X} ")), "{dead:?}");
}

async fn a_change_that_can_never_be_published_is_set_aside_once(database: Db) {
    let feed = at_work(&database).await;
    keep(&database, &person("ada")).await;
    database.execute("UPDATE users SET fullName = 'Ada'").await;
    let changes = all(&feed, 2).await;
    let reason = format!("too large 🦀{}", "🦀".repeat(2000));
    feed.bury(changes[0].position, &reason).await.unwrap();
    assert_eq!(names(&all(&feed, 1).await), ["Ada"]);
    feed.bury(changes[1].position, "also").await.unwrap();
    feed.bury(changes[1].position, "again").await.unwrap();
    let row = "SELECT CONCAT_WS('|', HEX(id), HEX(userId), eventType, payload, LEFT(reason, 9)) FROM deadOutbox \
               ORDER BY seq DESC";
    let kept = database.texts(row).await;
    for ((kept, event), reason) in kept.iter().zip(events(&changes)).zip(["too large", "also"]) {
        let payload = serde_json::to_string(&event.change).unwrap();
        let (id, user) = (event.metadata.id.0.simple(), event.metadata.subject.0.simple());
        let expected = format!("{id:X}|{user:X}|{}|{payload}|{reason}", event.metadata.event_type.as_str());
        assert_eq!(*kept, expected);
    }
    assert_eq!(kept.len(), 2);
    assert!(feed.next(1, Duration::ZERO).await.unwrap().is_empty());
}

async fn nothing_is_missed_or_reordered_while_many_write_and_connections_break(database: Db) {
    const WRITERS: usize = 4;
    const UPDATES: usize = 60;
    let feed = at_work(&database).await;
    let writing: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (changes, database) = (Changes::on(&database.users()), Arc::clone(&database));
            tokio::spawn(async move {
                let name = format!("writer{writer}");
                let user = changes.register(&name, &format!("{name}@example.org")).await.unwrap();
                for n in 0..UPDATES {
                    if n % 3 == 0 {
                        let id = user.id.0.simple();
                        let set = format!("fullName = 'Name {n}', version = version + 1");
                        database.execute(&format!("UPDATE users SET {set} WHERE id = x'{id}'")).await;
                    } else {
                        changes.update(user.id, new_name(&format!("Name {n}"))).await.unwrap();
                    }
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
    let (mut seen, mut versions) = (BTreeMap::new(), BTreeMap::<UserId, Vec<i64>>::new());
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
                if seen.insert(event.metadata.id, ()).is_none() {
                    versions.entry(event.metadata.subject).or_default().push(event.change.version);
                }
            }
            // Now and then the broker fails in the middle of a batch.
            let published = if round % 5 == 0 { changes.len() / 2 } else { changes.len() };
            feed.acknowledge(&positions(&changes[..published])).await.unwrap();
            if published < changes.len() {
                feed.rewind();
            }
            if seen.len() == expected && changes.is_empty() && database.count("outbox").await == 0 {
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
