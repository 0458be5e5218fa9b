//! What `UserRepository` promises, on each database.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};
use shared_kernel::{AccountStatus, EventId, EventType, Locale, UserEvent, UserId};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::timeout;
use user_service::data_sources::{SchemaError, SqliteDatabase, UuidV7IdGenerator};
use user_service::entities::{
    self, DateOfBirth, EmailAddress, FieldUpdate, FullName, Login, PasswordHash, PostalAddress, Role,
    UniqueField, User, UserUpdate, Username,
};
use user_service::interactors::UserError;
use user_service::repositories::{
    Content, IdGenerator, PageRequest, RepositoryError, UserFilter, UserRepository,
};
use uuid::Uuid;

use crate::support::databases::{Engine, TestDatabase, with_empty_database};
use crate::support::on_each_engine;
use crate::support::people::{
    Changes, account, everything, named, new_name, new_stamp, person, store, time, year_2100,
};
use crate::support::waiting::{soon, still_waiting};

type Db = Arc<TestDatabase>;

mod on {
    super::on_each_engine! {
        [sqlite: Sqlite, mariadb: MariaDb, mysql: MySql]
        [
            every_column_survives_the_round_trip,
            what_is_left_out_stays_null,
            what_was_never_stored_is_not_found,
            another_spelling_of_a_name_or_an_address_is_taken,
            another_spelling_is_taken_on_update_too,
            an_account_may_change_the_case_of_its_own_name,
            accents_tell_addresses_apart_and_case_does_not,
            a_refused_registration_writes_nothing,
            a_refused_update_writes_nothing,
            an_update_of_nothing_writes_nothing,
            a_stale_version_writes_nothing,
            a_dropped_transaction_undoes_the_account_and_its_event,
            an_account_and_its_event_appear_together,
            a_locked_account_makes_the_next_change_wait,
            concurrent_updates_of_one_account_lose_none,
            one_address_is_registered_once_however_many_try,
            events_of_one_account_are_in_the_order_of_its_commits,
            a_deleted_account_is_gone_and_its_event_is_there,
            the_account_remembers_the_event_of_its_last_change,
            migrating_again_is_harmless,
            a_migration_in_another_form_is_refused,
            the_role_is_kept,
            moments_beyond_2038_are_kept_and_compared,
        ]
    }
}

/// SQLite has no older program: its table begins with this service, so these are for the servers.
mod beside_an_older_program_on {
    super::on_each_engine! {
        [mariadb: MariaDb, mysql: MySql]
        [a_row_by_the_old_columns_alone_can_be_read_changed_and_deleted]
    }
}

mod on_servers_such_as {
    super::on_each_engine! {
        [mariadb: MariaDb, mysql: MySql]
        [
            a_cancelled_begin_leaves_no_transaction_behind,
            a_servers_refusal_says_whether_another_try_can_help,
            a_migration_that_broke_off_is_none,
        ]
    }
}

async fn refusal_of_insert(users: &Arc<dyn UserRepository>, user: &User) -> Vec<UniqueField> {
    let mut transaction = users.begin().await.unwrap();
    match transaction.insert(user).await {
        Err(RepositoryError::Taken(fields)) => fields,
        other => panic!("{other:?}"),
    }
}

async fn refusal_of_update(users: &Arc<dyn UserRepository>, user: &User) -> Vec<UniqueField> {
    let mut transaction = users.begin().await.unwrap();
    transaction.lock(user.id).await.unwrap().unwrap();
    match transaction.update(user).await {
        Err(RepositoryError::Taken(fields)) => fields,
        other => panic!("{other:?}"),
    }
}

/// What is in the outbox, in the order of its places.
async fn outbox(database: &TestDatabase) -> Vec<UserEvent> {
    let changes = database.polled_feed(Duration::ZERO).next(10_000, Duration::ZERO).await.unwrap();
    changes
        .into_iter()
        .map(|change| match change.content {
            Content::Event(event) => *event,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// A value in every column, each at an edge of what the column must hold.
fn everything_set() -> User {
    let mut user = account("Ada.Lovelace_9-x", "Ada+tag@Example.org");
    user.pending_email = Some(EmailAddress::parse("用户@例子.广告").unwrap());
    user.password = PasswordHash::new("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".into());
    user.full_name = Some(FullName::parse("Ada 🦀 Łovelace 𝄞").unwrap());
    user.date_of_birth = Some(DateOfBirth::from_stored(NaiveDate::from_ymd_opt(1900, 1, 1).unwrap()));
    user.address = Some(PostalAddress::parse(&"🏠".repeat(255)).unwrap());
    user.status = AccountStatus::Confirmed;
    user.locale = Locale::PtBr;
    user.role = Role::Admin;
    user.version = 9_007_199_254_740_993;
    user.security_version = i64::MAX;
    user.password_changed_at = time(1);
    user.created_at = time(999_999);
    user.last_updated = time(500_000);
    user
}

async fn every_column_survives_the_round_trip(database: Db) {
    let (users, mut user) = (database.users(), everything_set());
    store(&users, [&user]).await;
    assert_eq!(everything(&users.find(user.id).await.unwrap().unwrap()), everything(&user));

    user.username = Username::parse("b").unwrap();
    user.email = EmailAddress::parse("b@example.org").unwrap();
    user.pending_email = None;
    user.password = PasswordHash::new("$argon2id$other".into());
    user.full_name = None;
    user.date_of_birth = Some(DateOfBirth::from_stored(NaiveDate::from_ymd_opt(2024, 2, 29).unwrap()));
    user.address = Some(PostalAddress::parse("'; DROP TABLE users; --\\").unwrap());
    user.status = AccountStatus::Unconfirmed;
    user.locale = Locale::Es;
    user.role = Role::User;
    user.version += 1;
    user.security_version = 0;
    user.password_changed_at = time(2);
    user.created_at = time(3);
    user.last_updated = time(4);
    user.last_event_id = EventId(UuidV7IdGenerator.next_id());
    let mut transaction = users.begin().await.unwrap();
    transaction.lock(user.id).await.unwrap().unwrap();
    transaction.update(&user).await.unwrap();
    assert_eq!(everything(&transaction.lock(user.id).await.unwrap().unwrap()), everything(&user));
    transaction.commit().await.unwrap();
    assert_eq!(everything(&users.find(user.id).await.unwrap().unwrap()), everything(&user));
    let listed = users.list(PageRequest { limit: 10, ..PageRequest::default() }).await.unwrap();
    assert_eq!(listed.iter().map(everything).collect::<Vec<_>>(), [everything(&user)]);
}

async fn what_is_left_out_stays_null(database: Db) {
    let (users, user) = (database.users(), person("ada"));
    store(&users, [&user]).await;
    assert_eq!(everything(&users.find(user.id).await.unwrap().unwrap()), everything(&user));
    let blank = "fullName IS NULL AND dateOfBirth IS NULL AND address IS NULL AND pendingEmail IS NULL";
    assert_eq!(database.texts(&format!("SELECT username FROM users WHERE {blank}")).await, ["ada"]);
}

async fn what_was_never_stored_is_not_found(database: Db) {
    let (users, id) = (database.users(), UserId(UuidV7IdGenerator.next_id()));
    assert!(users.find(id).await.unwrap().is_none());
    assert!(users.begin().await.unwrap().lock(id).await.unwrap().is_none());
    let changes = Changes::on(&users);
    assert!(matches!(changes.update(id, new_name("Ada")).await, Err(UserError::NotFound)));
    assert!(matches!(changes.delete(id, None).await, Err(UserError::NotFound)));
    assert_eq!(database.counts().await, (0, 0));
}

async fn another_spelling_of_a_name_or_an_address_is_taken(database: Db) {
    let users = database.users();
    store(&users, [&account("Ada", "Ada@Example.org")]).await;
    store(&users, [&account("bob", "bob@example.org")]).await;
    for (username, email, taken) in [
        ("aDA", "other@example.org", vec![UniqueField::Username]),
        ("other", "aDA@eXAMPLE.ORG", vec![UniqueField::Email]),
        ("ada", "ada@example.org", vec![UniqueField::Username, UniqueField::Email]),
        ("ADA", "BOB@example.org", vec![UniqueField::Username, UniqueField::Email]),
    ] {
        assert_eq!(refusal_of_insert(&users, &account(username, email)).await, taken, "{username} {email}");
    }
    assert_eq!(database.counts().await, (2, 2));
}

async fn another_spelling_is_taken_on_update_too(database: Db) {
    let users = database.users();
    let (ada, bob) = (account("Ada", "Ada@example.org"), account("bob", "bob@example.org"));
    store(&users, [&ada]).await;
    store(&users, [&bob]).await;
    for (username, email, taken) in [
        ("ADA", "bob@example.org", vec![UniqueField::Username]),
        ("bob", "ADA@example.org", vec![UniqueField::Email]),
        ("ADA", "ada@EXAMPLE.org", vec![UniqueField::Username, UniqueField::Email]),
    ] {
        let mut changed = bob.clone();
        changed.username = Username::parse(username).unwrap();
        changed.email = EmailAddress::parse(email).unwrap();
        assert_eq!(refusal_of_update(&users, &changed).await, taken, "{username} {email}");
    }
    assert_eq!(everything(&users.find(bob.id).await.unwrap().unwrap()), everything(&bob));
}

async fn an_account_may_change_the_case_of_its_own_name(database: Db) {
    let changes = Changes::on(&database.users());
    let ada = changes.register("ada", "ada@example.org").await.unwrap();
    let update = UserUpdate {
        username: FieldUpdate::Set(Username::parse("ADA").unwrap()),
        email: FieldUpdate::Set(EmailAddress::parse("Ada@example.org").unwrap()),
        ..UserUpdate::default()
    };
    let after = changes.update(ada.id, update).await.unwrap();
    assert_eq!((after.username.as_str(), after.email.as_str()), ("ADA", "Ada@example.org"));
    let found = database.users().find(ada.id).await.unwrap().unwrap();
    assert_eq!(everything(&found), everything(&after));
}

async fn accents_tell_addresses_apart_and_case_does_not(database: Db) {
    let users = database.users();
    for (n, address) in [
        "josé@exämple.org",
        "jose@example.org",
        "用户@例子.广告",
        "straße@example.org",
        "strasse@example.org",
    ]
    .into_iter()
    .enumerate()
    {
        store(&users, [&account(&format!("user{n}"), address)]).await;
    }
    for address in ["JOSÉ@EXÄMPLE.ORG", "José@exämple.org", "用户@例子.广告", "STRAßE@example.org"]
    {
        let taken = refusal_of_insert(&users, &account("another", address)).await;
        assert_eq!(taken, [UniqueField::Email], "{address}");
    }
    assert_eq!(database.counts().await, (5, 5));
}

async fn a_refused_registration_writes_nothing(database: Db) {
    let changes = Changes::on(&database.users());
    changes.register("ada", "ada@example.org").await.unwrap();
    let before = database.counts().await;
    match changes.register("ADA", "ADA@example.org").await {
        Err(UserError::Taken(fields)) => assert_eq!(fields, [UniqueField::Username, UniqueField::Email]),
        other => panic!("{other:?}"),
    }
    assert_eq!(database.counts().await, before);
}

async fn a_refused_update_writes_nothing(database: Db) {
    let users = database.users();
    let changes = Changes::on(&users);
    changes.register("ada", "ada@example.org").await.unwrap();
    let bob = changes.register("bob", "bob@example.org").await.unwrap();
    let update = UserUpdate {
        email: FieldUpdate::Set(EmailAddress::parse("ADA@example.org").unwrap()),
        ..new_name("Bob")
    };
    match changes.update(bob.id, update).await {
        Err(UserError::Taken(fields)) => assert_eq!(fields, [UniqueField::Email]),
        other => panic!("{other:?}"),
    }
    assert_eq!(everything(&users.find(bob.id).await.unwrap().unwrap()), everything(&bob));
    assert_eq!(database.counts().await, (2, 2));
}

async fn an_update_of_nothing_writes_nothing(database: Db) {
    let users = database.users();
    let changes = Changes::on(&users);
    let ada = changes.register("ada", "ada@example.org").await.unwrap();
    let after = changes.update(ada.id, UserUpdate::default()).await.unwrap();
    assert_eq!(everything(&after), everything(&ada));
    assert_eq!(everything(&users.find(ada.id).await.unwrap().unwrap()), everything(&ada));
    assert_eq!(database.counts().await, (1, 1));
}

async fn a_stale_version_writes_nothing(database: Db) {
    let changes = Changes::on(&database.users());
    let ada = changes.register("ada", "ada@example.org").await.unwrap();
    let refused = changes.delete(ada.id, Some(2)).await;
    assert!(matches!(refused, Err(UserError::Stale { current: 1 })), "{refused:?}");
    assert_eq!(database.counts().await, (1, 1));
}

async fn a_dropped_transaction_undoes_the_account_and_its_event(database: Db) {
    let (users, ada) = (database.users(), person("ada"));
    let mut transaction = users.begin().await.unwrap();
    transaction.insert(&ada).await.unwrap();
    transaction.append(&entities::registered(&ada, None)).await.unwrap();
    drop(transaction);
    // Takes its turn after the undoing, and finds everything free.
    soon("the same account again", store(&users, [&ada])).await;
    assert_eq!(database.counts().await, (1, 1));

    let mut transaction = users.begin().await.unwrap();
    transaction.lock(ada.id).await.unwrap();
    transaction.delete(ada.id).await.unwrap();
    transaction.append(&entities::deleted(&ada, new_stamp().at, None)).await.unwrap();
    drop(transaction);
    let mut transaction = users.begin().await.unwrap();
    let found = soon("the lock", transaction.lock(ada.id)).await.unwrap().unwrap();
    assert_eq!(everything(&found), everything(&ada));
    drop(transaction);
    assert_eq!(database.counts().await, (1, 1));
}

/// As when a client hangs up. A connection that went back to the pool within a transaction would go on
/// seeing what was there when it first looked.
async fn a_cancelled_begin_leaves_no_transaction_behind(database: Db) {
    let ada = person("ada");
    store(&database.users(), [&ada]).await;
    let far_away = database.far_away_process(Duration::from_millis(3)).await;
    let users = far_away.users();
    // Cut off at every point of it.
    for n in 0..20 {
        drop(timeout(Duration::from_millis(n), users.begin()).await);
        users.find(ada.id).await.unwrap().unwrap();
        database.execute(&format!("UPDATE users SET fullName = 'Ada {n}'")).await;
        let found = users.find(ada.id).await.unwrap().unwrap();
        assert_eq!(found.full_name.unwrap().as_str(), format!("Ada {n}"));
    }
    far_away.close().await;
}

async fn a_servers_refusal_says_whether_another_try_can_help(database: Db) {
    let (users, ada) = (database.users(), person("ada"));
    store(&users, [&ada]).await;
    let event = entities::deleted(&ada, new_stamp().at, None);
    for (number, expected) in [
        (1213, "contention"),  // deadlock
        (1205, "unavailable"), // waited too long for a lock; trying at once would wait as long again
        (1114, "unavailable"), // no space left
        (1290, "unavailable"), // read-only
        (1040, "unavailable"), // too many connections
        (1146, "failed"),      // no such table
    ] {
        let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON outbox FOR EACH ROW SIGNAL SQLSTATE 'HY000'";
        database.execute(&format!("{refuse} SET MYSQL_ERRNO = {number}")).await;
        let mut transaction = users.begin().await.unwrap();
        let refused = transaction.append(&event).await.unwrap_err();
        let found = match &refused {
            RepositoryError::Contention(_) => "contention",
            RepositoryError::Unavailable(_) => "unavailable",
            RepositoryError::Failed(_) => "failed",
            _ => "something else",
        };
        assert_eq!(found, expected, "{number}: {refused:?}");
        drop(transaction);
        database.execute("DROP TRIGGER refuse").await;
    }
}

async fn a_migration_that_broke_off_is_none(database: Db) {
    database.handle().check_schema().await.unwrap();
    database.execute("UPDATE user_migrations SET success = FALSE ORDER BY version DESC LIMIT 1").await;
    let refused = database.handle().check_schema().await;
    assert!(matches!(refused, Err(SchemaError::NotMigrated)), "{refused:?}");
}

async fn an_account_and_its_event_appear_together(database: Db) {
    let (users, ada) = (database.users(), person("ada"));
    let mut transaction = users.begin().await.unwrap();
    transaction.insert(&ada).await.unwrap();
    assert_eq!(database.counts().await, (0, 0));
    transaction.append(&entities::registered(&ada, None)).await.unwrap();
    assert_eq!(database.counts().await, (0, 0));
    assert!(users.find(ada.id).await.unwrap().is_none());
    transaction.commit().await.unwrap();
    assert_eq!(database.counts().await, (1, 1));
}

async fn a_locked_account_makes_the_next_change_wait(database: Db) {
    let (users, ada) = (database.users(), person("ada"));
    store(&users, [&ada]).await;
    let mut first = users.begin().await.unwrap();
    let before = first.lock(ada.id).await.unwrap().unwrap();
    let second = {
        let (users, id) = (users.clone(), ada.id);
        async move {
            let mut transaction = users.begin().await.unwrap();
            transaction.lock(id).await.unwrap().unwrap()
        }
    };
    let mut second = tokio::spawn(second);
    still_waiting("the second one got the lock while the first held it", &mut second).await;
    let after = before.updated(new_name("Ada"), new_stamp()).unwrap();
    first.update(&after).await.unwrap();
    first.commit().await.unwrap();
    let seen = soon("the second one's turn", second).await.unwrap();
    assert_eq!(everything(&seen), everything(&after));
}

async fn concurrent_updates_of_one_account_lose_none(database: Db) {
    let users = database.users();
    let changes = Changes::on(&users);
    let ada = changes.register("ada", "ada@example.org").await.unwrap();
    let mut updates = JoinSet::new();
    for n in 0..20 {
        let changes = Arc::clone(&changes);
        updates.spawn(async move { changes.update(ada.id, new_name(&format!("Ada {n}"))).await.unwrap() });
    }
    let mut versions: Vec<_> = updates.join_all().await.iter().map(|user| user.version).collect();
    versions.sort_unstable();
    assert_eq!(versions, (2..=21).collect::<Vec<_>>());
    assert_eq!(users.find(ada.id).await.unwrap().unwrap().version, 21);

    // Each event begins where the one before it ended.
    let events = outbox(&database).await;
    assert_eq!(
        events.iter().map(|event| event.change.version).collect::<Vec<_>>(),
        (1..=21).collect::<Vec<_>>()
    );
    for pair in events.windows(2) {
        assert_eq!(pair[0].change.after, pair[1].change.before);
    }
}

async fn one_address_is_registered_once_however_many_try(database: Db) {
    let changes = Changes::on(&database.users());
    let mut attempts = JoinSet::new();
    for n in 0..50 {
        let changes = Arc::clone(&changes);
        let address = if n % 2 == 0 { "ada@example.org" } else { "ADA@example.org" };
        attempts.spawn(async move { changes.register(&format!("user{n}"), address).await });
    }
    let (done, refused): (Vec<_>, Vec<_>) = attempts.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!(done.len(), 1);
    for refusal in refused {
        assert!(
            matches!(&refusal, Err(UserError::Taken(fields)) if *fields == [UniqueField::Email]),
            "{refusal:?}"
        );
    }
    assert_eq!(database.counts().await, (1, 1));
}

async fn events_of_one_account_are_in_the_order_of_its_commits(database: Db) {
    let changes = Changes::on(&database.users());
    let mut work = JoinSet::new();
    let mut expected = HashMap::new();
    for n in 0..5 {
        let name = format!("user{n}");
        let user = changes.register(&name, &format!("{name}@example.org")).await.unwrap();
        expected.insert(user.id, 11);
        for m in 0..10 {
            let changes = Arc::clone(&changes);
            work.spawn(async move { changes.update(user.id, new_name(&format!("Name {m}"))).await.unwrap() });
        }
    }
    work.join_all().await;
    let mut versions: HashMap<UserId, i64> = HashMap::new();
    for event in outbox(&database).await {
        let version = versions.entry(event.metadata.subject).or_default();
        assert_eq!(event.change.version, *version + 1, "{:?}", event.metadata);
        *version += 1;
    }
    assert_eq!(versions, expected);
}

async fn a_deleted_account_is_gone_and_its_event_is_there(database: Db) {
    let users = database.users();
    let changes = Changes::on(&users);
    let ada = changes.register("ada", "ada@example.org").await.unwrap();
    changes.delete(ada.id, Some(1)).await.unwrap();
    assert!(users.find(ada.id).await.unwrap().is_none());
    assert!(matches!(changes.delete(ada.id, None).await, Err(UserError::NotFound)));
    let events = outbox(&database).await;
    let types: Vec<_> = events.iter().map(|event| event.metadata.event_type).collect();
    assert_eq!(types, [EventType::Registered, EventType::Deleted]);
    assert_eq!(events[1].change.before.as_ref().unwrap().email, "ada@example.org");
    // What it had is free again.
    changes.register("ADA", "ADA@example.org").await.unwrap();
}

async fn the_account_remembers_the_event_of_its_last_change(database: Db) {
    let changes = Changes::on(&database.users());
    let ada = changes.register("ada", "ada@example.org").await.unwrap();
    let newest = "SELECT HEX(id) FROM outbox ORDER BY seq DESC LIMIT 1";
    let remembered = "SELECT HEX(lastEventId) FROM users";
    assert_eq!(database.texts(remembered).await, database.texts(newest).await);
    for name in ["Ada", "Ada L."] {
        let after = changes.update(ada.id, new_name(name)).await.unwrap();
        assert_eq!(database.texts(remembered).await, database.texts(newest).await);
        let shown = after.last_event_id.0.simple().to_string().to_uppercase();
        assert_eq!(database.texts(remembered).await, [shown]);
    }
}

async fn migrating_again_is_harmless(database: Db) {
    let users = database.users();
    let ada = person("ada");
    store(&users, [&ada]).await;
    database.handle().migrate().await.unwrap();
    database.handle().check_schema().await.unwrap();
    assert_eq!(everything(&users.find(ada.id).await.unwrap().unwrap()), everything(&ada));
}

async fn a_migration_in_another_form_is_refused(database: Db) {
    database.execute("UPDATE user_migrations SET checksum = UNHEX('00') WHERE version = 2").await;
    let refused = database.handle().check_schema().await;
    assert!(matches!(refused, Err(SchemaError::Altered(2))), "{refused:?}");
    let refused = database.handle().migrate().await;
    assert!(matches!(refused, Err(SchemaError::Altered(2))), "{refused:?}");
}

async fn the_role_is_kept(database: Db) {
    let (users, mut ada) = (database.users(), person("ada"));
    ada.role = Role::Admin;
    store(&users, [&ada]).await;
    assert_eq!(users.find(ada.id).await.unwrap().unwrap().role, Role::Admin);
    assert_eq!(database.texts("SELECT role FROM users").await, ["admin"]);
    // Nothing but a change of it changes it.
    Changes::on(&users).update(ada.id, new_name("Ada")).await.unwrap();
    assert_eq!(users.find(ada.id).await.unwrap().unwrap().role, Role::Admin);
    let bob = Changes::on(&users).register("bob", "bob@example.org").await.unwrap();
    assert_eq!(users.find(bob.id).await.unwrap().unwrap().role, Role::User);
}

/// Where a 32-bit count of seconds ends.
async fn moments_beyond_2038_are_kept_and_compared(database: Db) {
    let (users, mut ada) = (database.users(), person("ada"));
    ada.last_updated = year_2100();
    ada.confirmation_asked_at = Some(year_2100());
    ada.created_at = year_2100();
    ada.password_changed_at = year_2100();
    store(&users, [&ada]).await;
    assert_eq!(everything(&users.find(ada.id).await.unwrap().unwrap()), everything(&ada));
    assert!(users.unconfirmed_since(year_2100(), 10).await.unwrap().is_empty());
    let later = year_2100() + TimeDelta::microseconds(1);
    assert_eq!(users.unconfirmed_since(later, 10).await.unwrap(), [ada.id]);
}

async fn a_row_by_the_old_columns_alone_can_be_read_changed_and_deleted(database: Db) {
    let id = UserId(UuidV7IdGenerator.next_id());
    database
        .execute(&format!(
            "INSERT INTO users (id, username, email, password) \
             VALUES (UNHEX('{}'), 'Élodie 🦀', 'not an address', 'plain')",
            id.0.simple()
        ))
        .await;
    read_change_and_delete(&database, id, "Élodie 🦀").await;
}

/// Does to a row that this service did not write all that it does to its own.
async fn read_change_and_delete(database: &TestDatabase, id: UserId, username: &str) {
    let users = database.users();
    let found = users.find(id).await.unwrap().unwrap();
    assert_eq!(found.username.as_str(), username);
    assert_eq!((found.version, found.security_version, found.locale), (1, 1, Locale::En));
    assert_eq!(found.role, Role::User);
    let login = Login::Username(Username::from_stored(username.to_uppercase()));
    assert_eq!(users.find_by_login(&login).await.unwrap().unwrap().id, id);
    assert_eq!(found.last_event_id, EventId(Uuid::nil()));
    let taken = refusal_of_insert(&users, &named(username)).await;
    assert_eq!(taken, [UniqueField::Username]);

    let changes = Changes::on(&users);
    let after = changes.update(id, new_name("Ada")).await.unwrap();
    assert_eq!((after.version, after.full_name.unwrap().as_str()), (2, "Ada"));
    let first = users.list(PageRequest { limit: 1, ..PageRequest::default() }).await.unwrap();
    assert_eq!(first[0].id, id);
    changes.delete(id, Some(2)).await.unwrap();
    assert!(users.find(id).await.unwrap().is_none());
    let events = outbox(database).await;
    assert_eq!(events.iter().map(|event| event.change.version).collect::<Vec<_>>(), [2, 3]);
}

/// A table as it is where the service replaces an older one, with rows in it.
async fn a_legacy_table_keeps_its_rows(database: Db) {
    let id = UserId(UuidV7IdGenerator.next_id());
    database.execute(include_str!("../../migrations/mysql/0001_users.sql")).await;
    database
        .execute(&format!(
            "INSERT INTO users (id, username, email, password, fullName, dateOfBirth, address, status, createdAt, lastUpdated) \
             VALUES (UNHEX('{}'), 'Ada', 'Ada@example.org', 'hash', 'Ada 🦀', '1815-12-10', '1 Lane', 'Confirmed', \
             '2001-02-03 04:05:06.789012', '2002-03-04 05:06:07.890123'), \
             (UNHEX('{}'), 'zoë', 'zoë@example.org', 'hash', NULL, NULL, NULL, DEFAULT, DEFAULT, DEFAULT)",
            id.0.simple(),
            UuidV7IdGenerator.next_id().simple(),
        ))
        .await;
    assert!(database.handle().check_schema().await.is_err());
    database.handle().migrate().await.unwrap();
    database.handle().check_schema().await.unwrap();

    let users = database.users();
    assert_eq!(database.counts().await, (2, 0));
    for (status, names) in [(AccountStatus::Confirmed, ["Ada"]), (AccountStatus::Unconfirmed, ["zoë"])] {
        let filter = UserFilter { status: Some(status), ..UserFilter::default() };
        let listed = users.list(PageRequest { filter, after: None, limit: 10 }).await.unwrap();
        assert_eq!(listed.iter().map(|user| user.username.as_str()).collect::<Vec<_>>(), names);
    }
    assert!(users.unconfirmed_since(year_2100(), 10).await.unwrap().is_empty());
    let ada = users.find(id).await.unwrap().unwrap();
    assert_eq!(ada.email.as_str(), "Ada@example.org");
    assert_eq!(ada.password.expose(), "hash");
    assert_eq!(ada.full_name.as_ref().unwrap().as_str(), "Ada 🦀");
    assert_eq!(ada.date_of_birth.unwrap().date(), NaiveDate::from_ymd_opt(1815, 12, 10).unwrap());
    assert_eq!(ada.address.as_ref().unwrap().as_str(), "1 Lane");
    assert_eq!(ada.status, AccountStatus::Confirmed);
    assert_eq!(ada.created_at.to_rfc3339(), "2001-02-03T04:05:06.789012+00:00");
    assert_eq!(ada.last_updated.to_rfc3339(), "2002-03-04T05:06:07.890123+00:00");
    assert_eq!(refusal_of_insert(&users, &account("x", "ADA@EXAMPLE.ORG")).await, [UniqueField::Email]);
    // The old collation held these for the same; they are two addresses.
    store(&users, [&account("zoe", "zoe@example.org")]).await;
    database.execute("DELETE FROM outbox").await;
    read_change_and_delete(&database, id, "Ada").await;
}

/// A table of the time before servers had all letters in their default character set.
async fn a_legacy_table_in_latin1_takes_every_letter_afterwards(database: Db) {
    let table = include_str!("../../migrations/mysql/0001_users.sql");
    assert!(table.contains("CHARACTER SET utf8mb4"));
    database.execute(&table.replace("utf8mb4", "latin1")).await;
    database
        .execute(&format!(
            "INSERT INTO users (id, username, email, password, fullName) VALUES (UNHEX('{}'), 'zoë', 'Z@x.org', 'x', 'Zoë')",
            UuidV7IdGenerator.next_id().simple(),
        ))
        .await;
    database.handle().migrate().await.unwrap();
    let (users, ada) = (database.users(), everything_set());
    store(&users, [&ada]).await;
    assert_eq!(everything(&users.find(ada.id).await.unwrap().unwrap()), everything(&ada));
    let names = "SELECT CONCAT(username, ' ', fullName) FROM users WHERE email = 'Z@x.org'";
    assert_eq!(database.texts(names).await, ["zoë Zoë"]);
}

/// As when every replica of a new version migrates on its start.
async fn four_processes_may_migrate_at_once(database: Db) {
    let mut processes = JoinSet::new();
    let start = Arc::new(Barrier::new(4));
    for _ in 0..4 {
        let (process, start) = (database.another_process().await, Arc::clone(&start));
        processes.spawn(async move {
            start.wait().await;
            let migrated = process.migrate().await;
            process.close().await;
            migrated
        });
    }
    for migrated in processes.join_all().await {
        migrated.unwrap();
    }
    database.handle().check_schema().await.unwrap();
    assert_eq!(database.counts().await, (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_legacy_table_keeps_its_rows_on_mariadb() {
    with_empty_database(Engine::MariaDb, a_legacy_table_keeps_its_rows).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_legacy_table_keeps_its_rows_on_mysql() {
    with_empty_database(Engine::MySql, a_legacy_table_keeps_its_rows).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_legacy_table_in_latin1_takes_every_letter_afterwards_on_mariadb() {
    with_empty_database(Engine::MariaDb, a_legacy_table_in_latin1_takes_every_letter_afterwards).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_legacy_table_in_latin1_takes_every_letter_afterwards_on_mysql() {
    with_empty_database(Engine::MySql, a_legacy_table_in_latin1_takes_every_letter_afterwards).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_together_create_the_sqlite_file_once() {
    let folder = tempfile::tempdir().unwrap();
    // Who meets whom, and where, differs each time.
    for n in 0..20 {
        let path = folder.path().join(format!("users{n}.db"));
        let mut processes = JoinSet::new();
        let start = Arc::new(Barrier::new(8));
        for _ in 0..8 {
            let (path, start) = (path.clone(), Arc::clone(&start));
            processes.spawn(async move {
                start.wait().await;
                let process = SqliteDatabase::open(&path).await.unwrap();
                process.migrate().await.unwrap();
                process.check_schema().await.unwrap();
                process.close().await;
            });
        }
        processes.join_all().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_processes_may_migrate_sqlite_at_once() {
    with_empty_database(Engine::Sqlite, four_processes_may_migrate_at_once).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_processes_may_migrate_mariadb_at_once() {
    with_empty_database(Engine::MariaDb, four_processes_may_migrate_at_once).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_processes_may_migrate_mysql_at_once() {
    with_empty_database(Engine::MySql, four_processes_may_migrate_at_once).await;
}
