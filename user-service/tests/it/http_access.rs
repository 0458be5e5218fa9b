//! How often one client may ask, for whom a proxy asks, and which web pages may.

use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde_json::json;
use user_service::transport::http::{CorsOrigins, RateSettings, TrustedProxies};

use crate::support::api::{Answer, Api, PASSWORD, config, with_api, with_api_on};
use crate::support::databases::Engine;

fn limited(per_address_per_minute: u32, per_account_per_minute: u32) -> user_service::config::ApiConfig {
    let mut config = config();
    config.http.rates = RateSettings { per_address_per_minute, per_account_per_minute };
    config
}

fn assert_refused(answer: &Answer) {
    answer.expect_problem(429, "too-many-requests");
    let seconds: u32 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_a_password_is_stopped_for_known_and_unknown_accounts_alike() {
    with_api_on(Engine::Sqlite, limited(0, 5), async |api: Arc<Api>| {
        let body = json!({ "username": "ada", "email": "ada@example.org", "password": PASSWORD });
        api.post("/users", &body).await.expect(StatusCode::CREATED);
        for login in ["ada", "nobody", "nobody@example.org"] {
            for _ in 0..5 {
                assert_eq!(api.log_in(login, "wrong").await.status, 401, "{login}");
            }
            assert_refused(&api.log_in(login, "wrong").await);
        }
        assert_refused(&api.log_in("ADA", PASSWORD).await);
        assert_eq!(api.log_in("bob", "wrong").await.status, 401, "others are not touched");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_that_could_be_abused_is_counted_by_account() {
    with_api_on(Engine::Sqlite, limited(0, 3), async |api: Arc<Api>| {
        let ada = api.sign_up("ada").await;
        let mails = format!("{}/confirmation-mails", ada.path());
        for expected in [202, 202, 202, 429] {
            let reset = api.post("/password-resets", &json!({ "email": "x@example.org" })).await;
            assert_eq!(reset.status, expected);
            let mail = api.send(api.request_of(&ada, Method::POST, &mails)).await;
            assert_eq!(mail.status, expected);
        }
        for expected in [409, 409, 429] {
            let body = json!({ "username": "ada2", "email": "ada@example.org", "password": PASSWORD });
            assert_eq!(api.post("/users", &body).await.status, expected);
        }
        let eve = api.sign_up("eve").await;
        let path = format!("{}/password", eve.path());
        for expected in [422, 422, 422, 429] {
            let body = json!({ "currentPassword": "guessed", "newPassword": "another horse battery" });
            let answer = api.send(api.request_of(&eve, Method::PUT, &path).json(&body)).await;
            assert_eq!(answer.status, expected);
        }
        let body = json!({ "email": "eve@example.net", "currentPassword": "guessed" });
        assert_refused(&api.patch(&eve, &eve.path(), &body).await);
        assert_eq!(api.patch(&eve, &eve.path(), &json!({ "fullName": "Eve" })).await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_counted_over_all_calls_and_a_proxy_is_believed_only_when_it_is_trusted() {
    for trusted in ["", "127.0.0.0/8"] {
        let mut config = limited(4, 0);
        config.http.trusted_proxies = TrustedProxies::parse(trusted).unwrap();
        with_api_on(Engine::Sqlite, config, async move |api: Arc<Api>| {
            let ask = |client: &str| {
                let request = api.request(Method::POST, "/password-resets");
                request.header("x-forwarded-for", client).json(&json!({ "email": "x@example.org" }))
            };
            for client in ["192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.1"] {
                assert_eq!(api.send(ask(client)).await.status, 202);
            }
            let (fifth, sixth) = (api.send(ask("192.0.2.1")).await, api.send(ask("192.0.2.1")).await);
            if trusted.is_empty() {
                assert_refused(&fifth);
                assert_refused(&api.post("/confirmations", &json!({ "token": "x" })).await);
            } else {
                assert_eq!(fifth.status, 202, "the one that came from another client does not count");
                assert_refused(&sixth);
                assert_refused(&api.send(ask("203.0.113.9, 192.0.2.1")).await);
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_origins_may_call_only_when_they_are_configured() {
    for configured in ["", "https://app.example.org"] {
        let mut config = config();
        config.http.cors_origins = CorsOrigins::parse(configured).unwrap();
        with_api_on(Engine::Sqlite, config, async move |api: Arc<Api>| {
            let from = |method: Method, origin: &str| {
                let request = api.request(method, "/users").header("origin", origin);
                request
                    .header("access-control-request-method", "POST")
                    .header("access-control-request-headers", "authorization,idempotency-key")
            };
            for origin in ["https://app.example.org", "https://evil.example"] {
                let allowed = if origin == configured { origin } else { "" };
                for method in [Method::OPTIONS, Method::GET] {
                    let answer = api.send(from(method, origin)).await;
                    assert_eq!(answer.header("access-control-allow-origin"), allowed, "{origin}");
                    assert_eq!(answer.header("access-control-allow-credentials"), "");
                }
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documentation_is_served_whole_from_here() {
    with_api(async |api: Arc<Api>| {
        let document = api.send(api.request(Method::GET, "/openapi.json")).await;
        assert_eq!(document.json()["openapi"], "3.1.0");
        let page = api.send(api.request(Method::GET, "/docs")).await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        let policy = page.header("content-security-policy");
        assert!(!policy.contains("http") && !policy.contains('*'), "nothing from elsewhere: {policy}");
        assert!(!page.text.contains("//"), "nothing from elsewhere: {}", page.text);
        for file in ["swagger-ui-bundle.js", "swagger-ui.css", "start.js"] {
            assert!(page.text.contains(file), "{file}");
            let answer = api.send(api.request(Method::GET, &format!("/docs/{file}"))).await;
            assert_eq!(answer.status, 200, "{file}");
        }
        assert_eq!(api.send(api.request(Method::GET, "/docs/nothing.js")).await.status, 404);
    })
    .await;
}
