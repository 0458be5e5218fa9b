//! Many clients at once: nothing is lost, and nothing is there twice.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;

use crate::support::api::{Api, JSON, MERGE_PATCH, PASSWORD, Person, config, with_api_on};
use crate::support::databases::Engine;

/// Reads the account, changes what it read and writes it, until nobody was faster.
async fn add_one(api: &Api, person: &Person) {
    loop {
        let read = api.get(person, &person.path()).await;
        let user = read.json();
        let count: usize = user["fullName"].as_str().unwrap().parse().unwrap();
        let body = json!({ "fullName": (count + 1).to_string() }).to_string();
        let request = api
            .request_of(person, Method::PATCH, &person.path())
            .header("if-match", read.header("etag"))
            .header("content-type", MERGE_PATCH);
        match api.send(request.body(body)).await {
            answer if answer.status == 200 => return,
            answer => drop(answer.expect_problem(412, "stale-version")),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_patches_with_if_match_lose_no_update() {
    // Each round has one winner, so that the work grows with the square of their number.
    for (engine, clients) in [(Engine::Sqlite, 40), (Engine::MariaDb, 40), (Engine::MySql, 200)] {
        with_api_on(engine, config(), async move |api: Arc<Api>| {
            let ada = api.sign_up("ada").await;
            api.patch(&ada, &ada.path(), &json!({ "fullName": "0" })).await;
            let calls: Vec<_> = (0..clients)
                .map(|_| {
                    let (api, ada) = (Arc::clone(&api), ada.clone());
                    tokio::spawn(async move { add_one(&api, &ada).await })
                })
                .collect();
            for call in calls {
                call.await.unwrap();
            }
            let user = api.get(&ada, &ada.path()).await;
            assert_eq!(user.json()["fullName"], clients.to_string());
            assert_eq!(user.header("etag"), format!("\"{}\"", clients + 2));
            assert_eq!(api.events().await.len(), clients + 2);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_concurrent_registrations_of_one_address_leave_one_row() {
    for engine in [Engine::Sqlite, Engine::MariaDb, Engine::MySql] {
        with_api_on(engine, config(), async |api: Arc<Api>| {
            let calls: Vec<_> = (0..50)
                .map(|n| {
                    let email = if n % 2 == 0 { "ada@example.org" } else { "ADA@Example.org" };
                    let body = json!({ "username": format!("ada{n}"), "email": email, "password": PASSWORD });
                    let request = api.request(Method::POST, "/users").header("content-type", JSON);
                    let api = Arc::clone(&api);
                    tokio::spawn(async move { api.send(request.body(body.to_string())).await })
                })
                .collect();
            let mut created = 0;
            for call in calls {
                let answer = call.await.unwrap();
                if answer.status == 201 {
                    created += 1;
                } else {
                    let problem = answer.expect_problem(409, "already-taken");
                    assert_eq!(problem["errors"][0]["field"], "email", "{problem}");
                }
            }
            assert_eq!(created, 1);
            assert_eq!(api.database.counts().await, (1, 1));
        })
        .await;
    }
}
