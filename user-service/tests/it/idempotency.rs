//! `Idempotency-Key`: a client that got no answer asks again, and what it asked for happens once.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::api::{Answer, Api, PASSWORD, Person, config, with_api, with_api_on};
use crate::support::databases::Engine;

async fn register(api: &Api, key: &str, body: &Value) -> Answer {
    let request = api.request(Method::POST, "/users").header("idempotency-key", key).json(body);
    api.send(request).await
}

fn ada() -> Value {
    json!({ "username": "ada", "email": "ada@example.org", "password": PASSWORD })
}

async fn ask_for_mail(api: &Api, caller: &Person, whose: &Person, key: &str) -> u16 {
    let path = format!("{}/confirmation-mails", whose.path());
    let request = api.request_of(caller, Method::POST, &path).header("idempotency-key", key);
    api.send(request).await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_again_gets_the_same_answer_and_has_no_effect() {
    for engine in [Engine::Sqlite, Engine::MariaDb, Engine::MySql] {
        with_api_on(engine, config(), async |api: Arc<Api>| {
            let first = register(&api, "key-1", &ada()).await;
            first.expect(StatusCode::CREATED);
            let again = register(&api, "key-1", &ada()).await;
            assert_eq!((again.status, &again.text), (first.status, &first.text));
            for name in ["location", "etag", "content-type"] {
                assert_eq!(again.header(name), first.header(name), "{name}");
            }
            assert_eq!(again.header("idempotency-replayed"), "true");
            assert_eq!(first.header("idempotency-replayed"), "");
            assert_eq!(api.database.counts().await, (1, 1));
            register(&api, "key-2", &ada()).await.expect_problem(409, "already-taken");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_stands_for_one_body() {
    with_api(async |api: Arc<Api>| {
        register(&api, "key", &ada()).await.expect(StatusCode::CREATED);
        let mut other = ada();
        other["password"] = "another horse battery".into();
        register(&api, "key", &other).await.expect_problem(422, "idempotency-key-reused");
        assert_eq!(api.database.counts().await, (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_refused_may_be_tried_again() {
    with_api(async |api: Arc<Api>| {
        let mut weak = ada();
        weak["password"] = "password1".into();
        register(&api, "key", &weak).await.expect_invalid("password", "too_weak");
        register(&api, "key", &ada()).await.expect(StatusCode::CREATED);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_concurrent_requests_of_one_key_one_takes_place() {
    for engine in [Engine::Sqlite, Engine::MariaDb, Engine::MySql] {
        with_api_on(engine, config(), async |api: Arc<Api>| {
            let calls: Vec<_> = (0..20)
                .map(|_| {
                    let api = Arc::clone(&api);
                    tokio::spawn(async move { register(&api, "key", &ada()).await })
                })
                .collect();
            let mut answers = Vec::new();
            for call in calls {
                let answer = call.await.unwrap();
                if answer.status == 409 {
                    answer.expect_problem(409, "request-in-progress");
                    assert!(!answer.header("retry-after").is_empty());
                } else {
                    answer.expect(StatusCode::CREATED);
                    answers.push(answer.text);
                }
            }
            answers.dedup();
            assert_eq!(answers.len(), 1, "all that got an answer got the same one");
            assert_eq!(api.database.counts().await, (1, 1));
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_the_callers_and_the_routes_own() {
    with_api(async |api: Arc<Api>| {
        let (ada, eve) = (api.sign_up("ada").await, api.sign_up("eve").await);
        for _ in 0..2 {
            assert_eq!(ask_for_mail(&api, &ada, &ada, "key").await, 202);
            assert_eq!(ask_for_mail(&api, &eve, &eve, "key").await, 202);
        }
        let reset = || {
            let request = api.request(Method::POST, "/password-resets").header("idempotency-key", "key");
            request.json(&json!({ "email": "ada@example.org" }))
        };
        for _ in 0..2 {
            assert_eq!(api.send(reset()).await.status, 202);
        }
        api.until_rows("passwordResetRequests", 0).await;
        let events = api.events().await;
        let count = |name: &str| events.iter().filter(|event| *event == name).count();
        assert_eq!(count("confirmation-requested"), 2, "{events:?}");
        assert_eq!(count("password-reset-requested"), 1, "{events:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_free_again_after_its_time() {
    let mut config = config();
    config.answers_kept = Duration::ZERO;
    with_api_on(Engine::Sqlite, config, async |api: Arc<Api>| {
        let ada = api.sign_up("ada").await;
        for _ in 0..3 {
            assert_eq!(ask_for_mail(&api, &ada, &ada, "key").await, 202);
        }
        assert_eq!(api.events().await.len(), 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_goes_with_the_account() {
    with_api(async |api: Arc<Api>| {
        let created = register(&api, "key", &ada()).await.expect(StatusCode::CREATED);
        let ada = api.session_of(created["id"].as_str().unwrap(), "ada", "ada@example.org").await;
        assert_eq!(api.database.count("idempotentAnswers").await, 1);
        assert_eq!(api.send(api.request_of(&ada, Method::DELETE, &ada.path())).await.status, 204);
        assert_eq!(api.database.count("idempotentAnswers").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malformed_key_is_refused_by_its_name() {
    with_api(async |api: Arc<Api>| {
        for key in ["", " ", "a b", &"x".repeat(256), "é"] {
            let answer = register(&api, key, &ada()).await;
            let problem = answer.expect_problem(400, "invalid-request");
            assert!(problem["detail"].as_str().unwrap().contains("Idempotency-Key"), "{problem}");
        }
        assert_eq!(api.database.counts().await, (0, 0));
    })
    .await;
}
