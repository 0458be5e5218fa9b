//! What `SessionRepository` and `SessionWrites` promise, on each database.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use shared_kernel::UserId;
use tokio::task::JoinSet;
use user_service::data_sources::UuidV7IdGenerator;
use user_service::entities::{RefreshHash, Role, Session, SessionId};
use user_service::repositories::{IdGenerator, SessionHolder, UserRepository};
use uuid::Uuid;

use crate::support::databases::TestDatabase;
use crate::support::on_each_engine;
use crate::support::people::{Changes, person, store, time};
use crate::support::waiting::{soon, still_waiting};

type Db = Arc<TestDatabase>;

mod on {
    super::on_each_engine! {
        [sqlite: Sqlite, mariadb: MariaDb, mysql: MySql]
        [
            a_session_survives_the_round_trip,
            what_was_never_begun_is_not_found,
            a_holder_has_the_role_of_now,
            a_session_without_its_user_has_no_holder,
            a_refresh_moves_the_hash_and_the_end_of_that_session_alone,
            an_ended_session_is_gone,
            the_sessions_of_a_user_end_but_for_one,
            a_dropped_transaction_undoes_what_it_did_to_sessions,
            a_locked_session_makes_the_next_refresh_wait,
            of_concurrent_refreshes_with_one_token_one_succeeds,
            expired_sessions_are_removed_oldest_first_and_no_more_than_asked_for,
        ]
    }
}

fn session(user: UserId, hash: u8, expires_at: DateTime<Utc>) -> Session {
    Session {
        id: SessionId(UuidV7IdGenerator.next_id()),
        user_id: user,
        refresh_hash: RefreshHash::from_stored([hash; 32]),
        created_at: time(123_456),
        expires_at,
    }
}

async fn begin(users: &Arc<dyn UserRepository>, sessions: &[&Session]) {
    let mut transaction = users.begin().await.unwrap();
    for session in sessions {
        transaction.insert_session(session).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

async fn find(users: &Arc<dyn UserRepository>, id: SessionId) -> Option<Session> {
    users.begin().await.unwrap().lock_session(id).await.unwrap()
}

/// All that a session holds; `Debug` leaves out the hash.
fn everything(session: &Session) -> String {
    format!("{session:?} {:?}", session.refresh_hash.as_bytes())
}

async fn a_session_survives_the_round_trip(database: Db) {
    let (users, ada) = (database.users(), person("ada"));
    store(&users, [&ada]).await;
    let mut kept = session(ada.id, 0, time(7));
    // Every byte, zeros and what is no text among them.
    kept.refresh_hash = RefreshHash::from_stored(std::array::from_fn(|n| u8::try_from(n * 8).unwrap()));
    begin(&users, &[&kept]).await;
    assert_eq!(everything(&find(&users, kept.id).await.unwrap()), everything(&kept));
    let holder = database.sessions().holder(kept.id).await.unwrap();
    assert_eq!(holder, Some(SessionHolder { user_id: ada.id, role: Role::User, expires_at: time(7) }));
}

async fn what_was_never_begun_is_not_found(database: Db) {
    let id = SessionId(UuidV7IdGenerator.next_id());
    assert!(find(&database.users(), id).await.is_none());
    assert_eq!(database.sessions().holder(id).await.unwrap(), None);
}

async fn a_holder_has_the_role_of_now(database: Db) {
    let (users, ada) = (database.users(), person("ada"));
    store(&users, [&ada]).await;
    let kept = session(ada.id, 1, time(0));
    begin(&users, &[&kept]).await;
    for role in [Role::Admin, Role::User] {
        database.execute(&format!("UPDATE users SET role = '{}'", role.as_str())).await;
        assert_eq!(database.sessions().holder(kept.id).await.unwrap().unwrap().role, role);
    }
}

async fn a_session_without_its_user_has_no_holder(database: Db) {
    let (users, ada) = (database.users(), person("ada"));
    store(&users, [&ada]).await;
    let (kept, stray) = (session(ada.id, 1, time(0)), session(UserId(Uuid::from_u128(1)), 1, time(0)));
    begin(&users, &[&kept, &stray]).await;
    assert!(database.sessions().holder(kept.id).await.unwrap().is_some());
    assert_eq!(database.sessions().holder(stray.id).await.unwrap(), None);
    // The use case ends the sessions along with the account.
    Changes::on(&users).delete(ada.id, None).await.unwrap();
    assert_eq!(database.sessions().holder(kept.id).await.unwrap(), None);
    assert!(find(&users, kept.id).await.is_none());
}

async fn a_refresh_moves_the_hash_and_the_end_of_that_session_alone(database: Db) {
    let (users, ada) = (database.users(), person("ada"));
    store(&users, [&ada]).await;
    let (mut refreshed, other) = (session(ada.id, 1, time(0)), session(ada.id, 2, time(0)));
    begin(&users, &[&refreshed, &other]).await;
    refreshed.refresh_hash = RefreshHash::from_stored([3; 32]);
    refreshed.expires_at = time(9);
    let mut transaction = users.begin().await.unwrap();
    transaction.lock_session(refreshed.id).await.unwrap().unwrap();
    transaction.update_session(&refreshed).await.unwrap();
    transaction.commit().await.unwrap();
    for session in [&refreshed, &other] {
        assert_eq!(everything(&find(&users, session.id).await.unwrap()), everything(session));
    }
    assert_eq!(database.sessions().holder(refreshed.id).await.unwrap().unwrap().expires_at, time(9));
}

async fn an_ended_session_is_gone(database: Db) {
    let (users, ada) = (database.users(), person("ada"));
    store(&users, [&ada]).await;
    let (ended, other) = (session(ada.id, 1, time(0)), session(ada.id, 2, time(0)));
    begin(&users, &[&ended, &other]).await;
    // Once more is harmless.
    for _ in 0..2 {
        let mut transaction = users.begin().await.unwrap();
        transaction.end_session(ended.id).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(database.sessions().holder(ended.id).await.unwrap(), None);
        assert!(find(&users, ended.id).await.is_none());
        assert!(find(&users, other.id).await.is_some());
    }
}

async fn the_sessions_of_a_user_end_but_for_one(database: Db) {
    let users = database.users();
    let (ada, bob) = (person("ada"), person("bob"));
    store(&users, [&ada, &bob]).await;
    let own: Vec<_> = (0..4).map(|n| session(ada.id, n, time(0))).collect();
    let others: Vec<_> = (0..2).map(|n| session(bob.id, n, time(0))).collect();
    begin(&users, &own.iter().chain(&others).collect::<Vec<_>>()).await;
    let left = async || {
        let mut left = Vec::new();
        for session in own.iter().chain(&others) {
            if find(&users, session.id).await.is_some() {
                left.push(session.id);
            }
        }
        left
    };
    for (but, expected) in [
        (Some(own[2].id), vec![own[2].id, others[0].id, others[1].id]),
        // Somebody else's is no exception.
        (Some(others[0].id), vec![others[0].id, others[1].id]),
        (None, vec![others[0].id, others[1].id]),
    ] {
        let mut transaction = users.begin().await.unwrap();
        transaction.end_sessions_of(ada.id, but).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(left().await, expected, "{but:?}");
    }
    let mut transaction = users.begin().await.unwrap();
    transaction.end_sessions_of(bob.id, None).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(left().await.is_empty());
}

async fn a_dropped_transaction_undoes_what_it_did_to_sessions(database: Db) {
    let (users, ada) = (database.users(), person("ada"));
    store(&users, [&ada]).await;
    let (kept, new) = (session(ada.id, 1, time(0)), session(ada.id, 2, time(0)));
    begin(&users, &[&kept]).await;
    let mut transaction = users.begin().await.unwrap();
    transaction.insert_session(&new).await.unwrap();
    transaction.end_sessions_of(ada.id, Some(new.id)).await.unwrap();
    drop(transaction);
    assert!(find(&users, new.id).await.is_none());
    assert_eq!(everything(&find(&users, kept.id).await.unwrap()), everything(&kept));
}

async fn a_locked_session_makes_the_next_refresh_wait(database: Db) {
    let (users, ada) = (database.users(), person("ada"));
    store(&users, [&ada]).await;
    let kept = session(ada.id, 1, time(0));
    begin(&users, &[&kept]).await;
    let mut first = users.begin().await.unwrap();
    let before = first.lock_session(kept.id).await.unwrap().unwrap();
    let second = {
        let (users, id) = (users.clone(), kept.id);
        async move { find(&users, id).await.unwrap() }
    };
    let mut second = tokio::spawn(second);
    still_waiting("the second one got the lock while the first held it", &mut second).await;
    // Whoever only looks does not wait.
    soon("looking", database.sessions().holder(kept.id)).await.unwrap().unwrap();
    let after = Session { refresh_hash: RefreshHash::from_stored([2; 32]), ..before };
    first.update_session(&after).await.unwrap();
    first.commit().await.unwrap();
    assert_eq!(everything(&soon("the second one's turn", second).await.unwrap()), everything(&after));
}

async fn of_concurrent_refreshes_with_one_token_one_succeeds(database: Db) {
    let (users, ada) = (database.users(), person("ada"));
    store(&users, [&ada]).await;
    let kept = session(ada.id, 0, time(0));
    begin(&users, &[&kept]).await;
    let mut refreshes = JoinSet::new();
    for n in 1..=12 {
        let (users, token) = (users.clone(), kept.clone());
        refreshes.spawn(async move {
            let mut transaction = users.begin().await.unwrap();
            let found = transaction.lock_session(token.id).await.unwrap().unwrap();
            if found.refresh_hash != token.refresh_hash {
                return false;
            }
            let after = Session { refresh_hash: RefreshHash::from_stored([n; 32]), ..found };
            transaction.update_session(&after).await.unwrap();
            transaction.commit().await.unwrap();
            true
        });
    }
    let succeeded = refreshes.join_all().await.into_iter().filter(|succeeded| *succeeded).count();
    assert_eq!(succeeded, 1);
}

async fn expired_sessions_are_removed_oldest_first_and_no_more_than_asked_for(database: Db) {
    let (users, ada) = (database.users(), person("ada"));
    store(&users, [&ada]).await;
    // With and without fractions of a second, which SQLite keeps as text.
    let ends = [3_000_000, 1_500_000, 1_000_000, 1_500_001, 2_000_000, 2_000_001];
    let kept: Vec<_> = ends.into_iter().map(|end| session(ada.id, 1, time(end))).collect();
    begin(&users, &kept.iter().collect::<Vec<_>>()).await;
    let sessions = database.sessions();
    let now = time(2_000_000);
    let mut removed = Vec::new();
    for expected in [2, 1, 0] {
        assert_eq!(sessions.remove_expired_sessions(now, 2).await.unwrap(), expected);
        for session in &kept {
            let gone = sessions.holder(session.id).await.unwrap().is_none();
            if gone && !removed.contains(&session.expires_at) {
                removed.push(session.expires_at);
            }
        }
        removed.sort();
        let so_far = [1_000_000, 1_500_000, 1_500_001].map(time);
        assert_eq!(removed, so_far[..removed.len()]);
    }
    // What ends at this very moment has its turn in the next.
    assert_eq!(removed.len(), 3);
    assert_eq!(sessions.remove_expired_sessions(time(2_000_001), 100).await.unwrap(), 1);
    assert_eq!(database.count("sessions").await, 2);
}
