//! What `AnswerRepository` and `AnswerWrites` promise, on each database.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use shared_kernel::UserId;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use user_service::entities::{Fingerprint, IdempotentRequest, StoredAnswer, User};
use user_service::interactors::{Once, Outcome};
use user_service::repositories::{RepositoryError, UserRepository, UserTransaction};
use uuid::Uuid;

use crate::support::databases::TestDatabase;
use crate::support::on_each_engine;
use crate::support::people::{person, register_input, registering, time};
use crate::support::waiting::{soon, still_waiting};

type Db = Arc<TestDatabase>;

mod on {
    super::on_each_engine! {
        [sqlite: Sqlite, mariadb: MariaDb, mysql: MySql]
        [
            an_answer_survives_the_round_trip,
            there_is_no_answer_before_the_commit,
            a_key_that_is_answered_is_not_taken_again,
            an_undone_request_frees_its_key,
            the_same_request_waits_and_is_answered_by_the_first,
            the_same_request_waits_and_goes_ahead_when_the_first_is_undone,
            other_requests_do_not_wait,
            a_request_made_twenty_times_at_once_takes_effect_once,
            of_many_who_waited_for_an_undone_request_one_goes_ahead,
            an_expired_answer_is_forgotten_and_frees_its_key,
            answers_about_a_user_are_forgotten_and_no_others,
            expired_answers_are_removed_oldest_first_and_no_more_than_asked_for,
        ]
    }
}

/// On SQLite a transaction waits for the file when it begins, and has it to itself from then on.
mod on_servers_such_as {
    super::on_each_engine! {
        [mariadb: MariaDb, mysql: MySql]
        [a_request_that_does_not_come_to_an_end_is_in_progress]
    }
}

/// A request that is told apart by its number.
fn request(number: u8) -> IdempotentRequest {
    IdempotentRequest {
        key: Fingerprint([number; 32]),
        body: Fingerprint([number | 0x80; 32]),
        expires_at: time(i64::from(number)),
    }
}

fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(number))
}

/// A transaction that has taken the key.
async fn taken(
    users: &Arc<dyn UserRepository>,
    request: &IdempotentRequest,
) -> Result<Box<dyn UserTransaction>, RepositoryError> {
    let mut transaction = users.begin().await?;
    transaction.take_key(request).await?;
    Ok(transaction)
}

async fn answer(users: &Arc<dyn UserRepository>, request: &IdempotentRequest, about: Option<UserId>) {
    let mut transaction = taken(users, request).await.unwrap();
    transaction.keep_answer(request.key, about, "done").await.unwrap();
    transaction.commit().await.unwrap();
}

async fn an_answer_survives_the_round_trip(database: Db) {
    let users = database.users();
    // Longer than a plain TEXT column of a server holds.
    let long = "🦀".repeat(50_000);
    for (number, about, text) in
        [(1, None, ""), (2, Some(user(7)), "{\"name\":\"Ada 🦀\"}"), (3, None, &*long)]
    {
        let request = request(number);
        let mut transaction = taken(&users, &request).await.unwrap();
        transaction.keep_answer(request.key, about, text).await.unwrap();
        transaction.commit().await.unwrap();
        let expected = StoredAnswer {
            body: request.body,
            text: text.to_owned(),
            user_id: about,
            // Passed long ago, which is for the caller to see.
            expires_at: request.expires_at,
        };
        assert!(database.answers().answer(request.key).await.unwrap() == Some(expected), "{number}");
    }
    assert!(database.answers().answer(request(4).key).await.unwrap().is_none());
}

async fn there_is_no_answer_before_the_commit(database: Db) {
    let (users, request) = (database.users(), request(1));
    let mut transaction = taken(&users, &request).await.unwrap();
    assert!(database.answers().answer(request.key).await.unwrap().is_none());
    transaction.keep_answer(request.key, None, "done").await.unwrap();
    assert!(soon("looking", database.answers().answer(request.key)).await.unwrap().is_none());
    transaction.commit().await.unwrap();
    assert!(database.answers().answer(request.key).await.unwrap().is_some());
}

async fn a_key_that_is_answered_is_not_taken_again(database: Db) {
    let (users, first) = (database.users(), request(1));
    answer(&users, &first, None).await;
    // Whatever its body.
    let second = IdempotentRequest { body: request(2).body, expires_at: time(9), ..first };
    for again in [first, second] {
        let refused = taken(&users, &again).await.err().unwrap();
        assert!(matches!(refused, RepositoryError::Answered), "{refused:?}");
        assert!(!refused.is_retryable());
    }
    let kept = database.answers().answer(first.key).await.unwrap().unwrap();
    assert_eq!((kept.body, kept.expires_at, &*kept.text), (first.body, first.expires_at, "done"));
}

async fn an_undone_request_frees_its_key(database: Db) {
    let (users, ada, request) = (database.users(), person("ada"), request(1));
    let mut transaction = taken(&users, &request).await.unwrap();
    transaction.insert(&ada).await.unwrap();
    transaction.keep_answer(request.key, Some(ada.id), "done").await.unwrap();
    drop(transaction);
    let mut transaction = soon("its turn", taken(&users, &request)).await.unwrap();
    assert!(database.answers().answer(request.key).await.unwrap().is_none());
    transaction.insert(&ada).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(database.count("users").await, 1);
}

async fn the_same_request_waits_and_is_answered_by_the_first(database: Db) {
    let (users, request) = (database.users(), request(1));
    let mut first = taken(&users, &request).await.unwrap();
    let mut second = {
        let users = users.clone();
        tokio::spawn(async move { taken(&users, &request).await.err() })
    };
    still_waiting("the second one went ahead while the first held the key", &mut second).await;
    first.keep_answer(request.key, None, "done").await.unwrap();
    first.commit().await.unwrap();
    let refused = soon("the second one's turn", second).await.unwrap();
    assert!(matches!(refused, Some(RepositoryError::Answered)), "{refused:?}");
    assert_eq!(database.answers().answer(request.key).await.unwrap().unwrap().text, "done");
}

async fn the_same_request_waits_and_goes_ahead_when_the_first_is_undone(database: Db) {
    let (users, request) = (database.users(), request(1));
    let first = taken(&users, &request).await.unwrap();
    let mut second = {
        let users = users.clone();
        tokio::spawn(async move {
            let mut transaction = taken(&users, &request).await.unwrap();
            transaction.keep_answer(request.key, None, "second").await.unwrap();
            transaction.commit().await.unwrap();
        })
    };
    still_waiting("the second one went ahead while the first held the key", &mut second).await;
    drop(first);
    soon("the second one's turn", second).await.unwrap();
    assert_eq!(database.answers().answer(request.key).await.unwrap().unwrap().text, "second");
}

async fn other_requests_do_not_wait(database: Db) {
    let users = database.users();
    answer(&users, &request(2), None).await;
    let first = taken(&users, &request(1)).await.unwrap();
    // On SQLite they take turns by the file; here it is the answers that are not held up.
    soon("looking", database.answers().answer(request(2).key)).await.unwrap().unwrap();
    first.commit().await.unwrap();
    soon("another request", answer(&users, &request(3), None)).await;
}

async fn a_request_made_twenty_times_at_once_takes_effect_once(database: Db) {
    let users = database.users();
    let register = Arc::new(registering(&users, database.answers()));
    let mut attempts = JoinSet::new();
    for _ in 0..20 {
        let register = Arc::clone(&register);
        attempts.spawn(async move {
            let IdempotentRequest { key, body, .. } = request(1);
            let once = Once { key, body, answer: |user: &User| user.id.0.to_string() };
            register.execute(register_input("ada", "ada@example.org", Some(once))).await.unwrap()
        });
    }
    let outcomes = attempts.join_all().await;
    let done: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Outcome::Done(user) => Some(user.id.0.to_string()),
            Outcome::Repeated(_) => None,
        })
        .collect();
    assert_eq!(done.len(), 1);
    let told = outcomes.iter().filter(|told| matches!(told, Outcome::Repeated(id) if *id == done[0]));
    assert_eq!(told.count(), 19);
    assert_eq!(database.counts().await, (1, 1));
}

async fn of_many_who_waited_for_an_undone_request_one_goes_ahead(database: Db) {
    let (users, request) = (database.users(), request(1));
    let first = taken(&users, &request).await.unwrap();
    let mut others = JoinSet::new();
    for n in 0..6 {
        let users = users.clone();
        others.spawn(async move {
            // Servers let all of them try at once, and tell all but one that they are in each other's way.
            loop {
                match taken(&users, &request).await {
                    Ok(mut transaction) => {
                        transaction.insert(&person(&format!("user{n}"))).await.unwrap();
                        transaction.keep_answer(request.key, None, "done").await.unwrap();
                        transaction.commit().await.unwrap();
                        return true;
                    }
                    Err(RepositoryError::Answered) => return false,
                    Err(RepositoryError::Contention(_)) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        });
    }
    sleep(Duration::from_millis(200)).await;
    drop(first);
    let ahead = soon("the others", others.join_all()).await;
    assert_eq!(ahead.into_iter().filter(|ahead| *ahead).count(), 1);
    assert_eq!((database.count("users").await, database.count("idempotentAnswers").await), (1, 1));
}

async fn a_request_that_does_not_come_to_an_end_is_in_progress(database: Db) {
    let (users, request) = (database.users(), request(1));
    let mut first = taken(&users, &request).await.unwrap();
    let begun = Instant::now();
    let refused = taken(&users, &request).await.err().unwrap();
    assert!(matches!(refused, RepositoryError::InProgress) && refused.is_retryable(), "{refused:?}");
    // Before the one who asks has given up, with an answer.
    assert!((3..10).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    first.keep_answer(request.key, None, "done").await.unwrap();
    first.commit().await.unwrap();
    assert!(matches!(taken(&users, &request).await, Err(RepositoryError::Answered)));
}

async fn an_expired_answer_is_forgotten_and_frees_its_key(database: Db) {
    let users = database.users();
    answer(&users, &request(1), None).await;
    answer(&users, &request(2), None).await;
    let expires_at = request(1).expires_at;
    // One that has not expired is somebody else's by now; and once more is harmless.
    for (now, there) in
        [(expires_at - TimeDelta::microseconds(1), true), (expires_at, false), (expires_at, false)]
    {
        let mut transaction = users.begin().await.unwrap();
        transaction.forget_expired_answer(request(1).key, now).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(database.answers().answer(request(1).key).await.unwrap().is_some(), there, "{now}");
    }
    assert!(database.answers().answer(request(1).key).await.unwrap().is_none());
    assert!(database.answers().answer(request(2).key).await.unwrap().is_some());
    answer(&users, &request(1), None).await;
}

async fn answers_about_a_user_are_forgotten_and_no_others(database: Db) {
    let users = database.users();
    for (number, about) in [(1, Some(user(1))), (2, Some(user(2))), (3, None), (4, Some(user(1)))] {
        answer(&users, &request(number), about).await;
    }
    let mut transaction = users.begin().await.unwrap();
    transaction.forget_answers_about(user(1)).await.unwrap();
    transaction.commit().await.unwrap();
    for (number, there) in [(1, false), (2, true), (3, true), (4, false)] {
        let found = database.answers().answer(request(number).key).await.unwrap();
        assert_eq!(found.is_some(), there, "{number}");
    }
    assert_eq!(database.count("idempotentAnswers").await, 2);
}

async fn expired_answers_are_removed_oldest_first_and_no_more_than_asked_for(database: Db) {
    let users = database.users();
    for number in [5, 3, 1, 4, 2] {
        answer(&users, &request(number), None).await;
    }
    // A request expires at the microsecond that is its number; 4 does so only now.
    for (removed, left) in [(2, vec![3, 4, 5]), (1, vec![4, 5]), (0, vec![4, 5])] {
        assert_eq!(database.answers().remove_expired_answers(time(4), 2).await.unwrap(), removed);
        let mut found = Vec::new();
        for number in 1..=5 {
            if database.answers().answer(request(number).key).await.unwrap().is_some() {
                found.push(number);
            }
        }
        assert_eq!(found, left);
    }
}
