//! What `PasswordResetInbox` and `PasswordResetWrites` promise, on each database.

use std::slice::from_ref;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use user_service::data_sources::UuidV7IdGenerator;
use user_service::entities::EmailAddress;
use user_service::repositories::{IdGenerator, PasswordResetRequest, UserRepository};
use uuid::Uuid;

use crate::support::databases::TestDatabase;
use crate::support::on_each_engine;
use crate::support::people::{person, store, time};
use crate::support::waiting::{soon, still_waiting};

type Db = Arc<TestDatabase>;

const NEVER: Duration = Duration::from_secs(600);

mod on {
    super::on_each_engine! {
        [sqlite: Sqlite, mariadb: MariaDb, mysql: MySql]
        [
            requests_come_oldest_first_and_unchanged,
            no_more_come_than_asked_for,
            with_nothing_there_nothing_comes_after_the_wait,
            what_was_not_taken_comes_again_to_everybody,
            of_two_processes_that_take_a_request_one_gets_it,
            a_taking_that_was_undone_leaves_the_request_to_others,
            nothing_comes_of_what_was_undone,
            a_commit_is_told_at_once_to_whom_it_concerns_in_this_process,
            a_commit_of_another_process_is_found_by_polling,
            a_cancelled_wait_loses_nothing,
        ]
    }
}

fn request(address: &str) -> PasswordResetRequest {
    PasswordResetRequest {
        id: UuidV7IdGenerator.next_id(),
        email: EmailAddress::parse(address).unwrap(),
        requested_at: time(654_321),
        traceparent: None,
    }
}

/// So many, in the order in which they were made.
fn requests(count: usize) -> Vec<PasswordResetRequest> {
    let mut requests: Vec<_> = (0..count).map(|n| request(&format!("user{n}@example.org"))).collect();
    requests.sort_by_key(|request| request.id);
    requests
}

async fn add<'a>(
    users: &Arc<dyn UserRepository>,
    requests: impl IntoIterator<Item = &'a PasswordResetRequest>,
) {
    let mut transaction = users.begin().await.unwrap();
    for request in requests {
        transaction.add_reset_request(request).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

async fn take(users: &Arc<dyn UserRepository>, id: Uuid) -> bool {
    let mut transaction = users.begin().await.unwrap();
    let taken = transaction.take_reset_request(id).await.unwrap();
    transaction.commit().await.unwrap();
    taken
}

async fn there(database: &TestDatabase) -> Vec<PasswordResetRequest> {
    database.reset_inbox().oldest_reset_requests(100, Duration::ZERO).await.unwrap()
}

async fn requests_come_oldest_first_and_unchanged(database: Db) {
    let mut requests = requests(3);
    requests[0].traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    requests[1].email = EmailAddress::parse("用户+Tag@例子.广告").unwrap();
    requests[2].requested_at = time(0);
    // Twice the same address is two requests.
    requests[2].email = requests[0].email.clone();
    add(&database.users(), requests.iter().rev()).await;
    assert_eq!(there(&database).await, requests);
}

async fn no_more_come_than_asked_for(database: Db) {
    let requests = requests(5);
    add(&database.users(), &requests).await;
    let found = database.reset_inbox().oldest_reset_requests(3, NEVER).await.unwrap();
    assert_eq!(found, requests[..3]);
}

async fn with_nothing_there_nothing_comes_after_the_wait(database: Db) {
    let inbox = database.reset_inbox();
    assert!(soon("no wait", inbox.oldest_reset_requests(9, Duration::ZERO)).await.unwrap().is_empty());
    let short = Duration::from_millis(30);
    assert!(soon("the wait", inbox.oldest_reset_requests(9, short)).await.unwrap().is_empty());
}

async fn what_was_not_taken_comes_again_to_everybody(database: Db) {
    let (users, requests) = (database.users(), requests(3));
    add(&users, &requests).await;
    let other = database.another_process().await;
    for _ in 0..2 {
        assert_eq!(there(&database).await, requests);
        let found = other.reset_inbox().oldest_reset_requests(9, Duration::ZERO).await.unwrap();
        assert_eq!(found, requests);
    }
    assert!(take(&users, requests[1].id).await);
    let found = other.reset_inbox().oldest_reset_requests(9, Duration::ZERO).await.unwrap();
    assert_eq!(found, [requests[0].clone(), requests[2].clone()]);
    assert!(!take(&users, requests[1].id).await);
    other.close().await;
}

async fn of_two_processes_that_take_a_request_one_gets_it(database: Db) {
    let (users, request) = (database.users(), request("ada@example.org"));
    add(&users, [&request]).await;
    let other = database.another_process().await;
    let mut first = users.begin().await.unwrap();
    assert!(first.take_reset_request(request.id).await.unwrap());
    let mut second = {
        let users = other.users();
        tokio::spawn(async move { take(&users, request.id).await })
    };
    still_waiting("the second one did not wait for the first", &mut second).await;
    first.commit().await.unwrap();
    assert!(!soon("the second one's turn", second).await.unwrap());
    other.close().await;
}

async fn a_taking_that_was_undone_leaves_the_request_to_others(database: Db) {
    let (users, request) = (database.users(), request("ada@example.org"));
    add(&users, [&request]).await;
    let mut first = users.begin().await.unwrap();
    assert!(first.take_reset_request(request.id).await.unwrap());
    let mut second = {
        let (users, id) = (users.clone(), request.id);
        tokio::spawn(async move { take(&users, id).await })
    };
    still_waiting("the second one did not wait for the first", &mut second).await;
    drop(first);
    assert!(soon("the second one's turn", second).await.unwrap());
    assert!(there(&database).await.is_empty());
}

async fn nothing_comes_of_what_was_undone(database: Db) {
    let (users, requests) = (database.users(), requests(2));
    let mut transaction = users.begin().await.unwrap();
    transaction.add_reset_request(&requests[0]).await.unwrap();
    assert!(there(&database).await.is_empty());
    drop(transaction);
    add(&users, [&requests[1]]).await;
    assert_eq!(there(&database).await, requests[1..]);
}

async fn a_commit_is_told_at_once_to_whom_it_concerns_in_this_process(database: Db) {
    let (users, feed) = (database.users(), database.polled_feed(NEVER));
    // Was there first, and must not be told in another's place.
    let mut changes = tokio::spawn(async move { feed.next(9, NEVER).await.unwrap() });
    still_waiting("nothing was there", &mut changes).await;
    let mut waited = Duration::ZERO;
    for request in requests(5) {
        let inbox = database.reset_inbox();
        let waiting = tokio::spawn(async move { inbox.oldest_reset_requests(9, NEVER).await.unwrap() });
        // Now and then before it waits, which counts as well.
        tokio::task::yield_now().await;
        let begun = Instant::now();
        add(&users, [&request]).await;
        assert_eq!(soon("being woken", waiting).await.unwrap(), from_ref(&request));
        waited += begun.elapsed();
        assert!(take(&users, request.id).await);
    }
    // Polling alone would take a second each time.
    assert!(waited < Duration::from_millis(2500), "{waited:?}");
    still_waiting("a request is no change", &mut changes).await;
    store(&users, [&person("ada")]).await;
    assert_eq!(soon("the change", changes).await.unwrap().len(), 1);
}

async fn a_commit_of_another_process_is_found_by_polling(database: Db) {
    let (inbox, requests) = (database.reset_inbox(), requests(2));
    let waiting = tokio::spawn(async move { inbox.oldest_reset_requests(9, NEVER).await.unwrap() });
    let other = database.another_process().await;
    add(&other.users(), &requests).await;
    assert_eq!(soon("being found", waiting).await.unwrap(), requests);
    other.close().await;
}

async fn a_cancelled_wait_loses_nothing(database: Db) {
    let (users, requests) = (database.users(), requests(20));
    let writing = {
        let (users, requests) = (users.clone(), requests.clone());
        tokio::spawn(async move {
            for request in &requests {
                add(&users, [request]).await;
            }
        })
    };
    let inbox = database.reset_inbox();
    let mut seen = Vec::new();
    let reading = async {
        // Most of the calls are cancelled somewhere on their way.
        for n in (0..).map(|n| n % 12) {
            let next = inbox.oldest_reset_requests(3, NEVER);
            if let Ok(found) = timeout(Duration::from_micros(200 << n), next).await {
                for request in found.unwrap() {
                    assert!(take(&users, request.id).await);
                    seen.push(request);
                }
            }
            if seen.len() >= requests.len() {
                break;
            }
        }
    };
    soon("all of them", reading).await;
    writing.await.unwrap();
    assert_eq!(seen, requests);
}
