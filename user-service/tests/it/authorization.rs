//! Who may do what: every route of the API, held against the table below.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared_kernel::SigningKeys;
use user_service::entities::AccessToken;

use crate::support::api::{Api, JSON, PASSWORD, Person, now, session_keys, with_api};

/// What the callers of a route get: no token, expired, forged, another user, the user itself, an admin.
struct Row {
    method: Method,
    path: &'static str,
    body: fn(&Person) -> Option<Value>,
    statuses: [u16; 6],
}

const CALLERS: [&str; 6] = ["no token", "expired", "forged", "other user", "self", "admin"];

fn row(method: Method, path: &'static str, body: fn(&Person) -> Option<Value>, statuses: [u16; 6]) -> Row {
    Row { method, path, body, statuses }
}

/// A route that looks at no token answers all callers alike.
fn open(method: Method, path: &'static str, body: fn(&Person) -> Option<Value>, status: u16) -> Row {
    row(method, path, body, [status; 6])
}

fn nothing(_: &Person) -> Option<Value> {
    None
}

fn table() -> Vec<Row> {
    let (get, post, put, patch, delete) =
        (Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE);
    vec![
        row(get.clone(), "/users", nothing, [401, 401, 401, 403, 403, 200]),
        open(post.clone(), "/users", |_| Some(json!({})), 422),
        row(get.clone(), "/users/{id}", nothing, [401, 401, 401, 403, 200, 200]),
        row(
            put.clone(),
            "/users/{id}",
            |ada| Some(json!({ "username": ada.username, "email": ada.email })),
            [401, 401, 401, 403, 200, 200],
        ),
        row(patch, "/users/{id}", |_| Some(json!({ "fullName": "Changed" })), [401, 401, 401, 403, 200, 200]),
        row(delete.clone(), "/users/{id}", nothing, [401, 401, 401, 403, 204, 204]),
        row(
            put,
            "/users/{id}/password",
            |_| Some(json!({ "currentPassword": PASSWORD, "newPassword": "another horse battery" })),
            [401, 401, 401, 403, 204, 403],
        ),
        row(post.clone(), "/users/{id}/confirmation-mails", nothing, [401, 401, 401, 403, 202, 202]),
        open(post.clone(), "/sessions", |_| Some(json!({ "login": "x", "password": "x" })), 401),
        open(post.clone(), "/sessions/refresh", |_| Some(json!({ "refreshToken": "A".repeat(64) })), 401),
        row(delete, "/sessions/current", nothing, [401, 401, 401, 204, 204, 204]),
        open(post.clone(), "/confirmations", |_| Some(json!({ "token": "x" })), 422),
        open(post.clone(), "/email-change-cancellations", |_| Some(json!({ "token": "x" })), 422),
        open(post.clone(), "/password-resets", |_| Some(json!({ "email": "x@example.org" })), 202),
        open(
            post.clone(),
            "/password-resets/confirm",
            |_| Some(json!({ "token": "x", "newPassword": "another horse battery" })),
            422,
        ),
        open(get.clone(), "/confirm", nothing, 200),
        open(post.clone(), "/confirm", nothing, 422),
        open(get.clone(), "/cancel-email-change", nothing, 200),
        open(post.clone(), "/cancel-email-change", nothing, 422),
        open(get.clone(), "/reset-password", nothing, 200),
        open(post, "/reset-password", nothing, 422),
        open(get.clone(), "/openapi.json", nothing, 200),
        open(get.clone(), "/docs", nothing, 200),
        open(get.clone(), "/docs/{file}", nothing, 200),
        open(get.clone(), "/health/live", nothing, 200),
        open(get.clone(), "/health/ready", nothing, 200),
        open(get.clone(), "/metrics", nothing, 200),
        open(get, "/problems/{name}", nothing, 200),
    ]
}

/// The call of a row, about that account, with that token.
async fn call(api: &Api, row: &Row, whose: &Person, token: Option<&str>) -> u16 {
    let path =
        row.path.replace("{id}", &whose.id).replace("{name}", "forbidden").replace("{file}", "start.js");
    let is_page = ["/confirm", "/cancel-email-change", "/reset-password"].contains(&row.path);
    let mut request = if is_page && row.method == Method::GET {
        api.request(row.method.clone(), &format!("{path}?token=x"))
    } else {
        api.request(row.method.clone(), &path)
    };
    if is_page && row.method == Method::POST {
        request = request.header("content-type", "application/x-www-form-urlencoded");
        let password = "newPassword=another+horse+battery&newPasswordAgain=another+horse+battery";
        request = request.body(match row.path {
            "/reset-password" => format!("token=x&lang=en&{password}"),
            _ => "token=x&lang=en".to_owned(),
        });
    }
    if let Some(body) = (row.body)(whose) {
        request = request.header("content-type", JSON).body(body.to_string());
    }
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    api.send(request).await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_answers_every_caller_as_the_table_says() {
    with_api(async |api: Arc<Api>| {
        let foreign = SigningKeys::parse(&"f".repeat(32)).unwrap();
        let admin = api.admin("root").await;
        let mut number = 0;
        for row in table() {
            for (caller, expected) in CALLERS.into_iter().zip(row.statuses) {
                // Fresh accounts each time: some calls end what the next one would need.
                number += 1;
                let ada = api.sign_up(&format!("ada{number}")).await;
                let claims = AccessToken::verify(&ada.access, &session_keys(), now()).unwrap();
                let signed = |token: AccessToken, keys: &SigningKeys| {
                    Some(token.sign(keys).expose_secret().to_owned())
                };
                let token = match caller {
                    "expired" => signed(
                        AccessToken { expires: now() - TimeDelta::seconds(1), ..claims },
                        &session_keys(),
                    ),
                    "forged" => signed(claims, &foreign),
                    "other user" => Some(api.sign_up(&format!("eve{number}")).await.access),
                    "self" => Some(ada.access.clone()),
                    "admin" => Some(api.session_of(&admin.id, "root", &admin.email).await.access),
                    _ => None,
                };
                let status = call(&api, &row, &ada, token.as_deref()).await;
                assert_eq!(status, expected, "{} {} by {caller}", row.method, row.path);
            }
        }
    })
    .await;
}

/// The document is made from the same routes as the router, so what is in neither cannot be called.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_route_is_without_a_row() {
    with_api(async |api: Arc<Api>| {
        let document = api.send(api.request(Method::GET, "/openapi.json")).await.json();
        let mut routes = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                if ["get", "post", "put", "patch", "delete"].contains(&method.as_str()) {
                    routes.insert(format!("{} {path}", method.to_uppercase()));
                }
            }
        }
        let rows: BTreeSet<_> = table().iter().map(|row| format!("{} {}", row.method, row.path)).collect();
        assert_eq!(rows, routes);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_does_not_learn_which_accounts_there_are() {
    with_api(async |api: Arc<Api>| {
        let (ada, eve) = (api.sign_up("ada").await, api.sign_up("eve").await);
        let theirs = api.get(&eve, &ada.path()).await;
        let nobodys = api.get(&eve, "/users/01900000-0000-7000-8000-000000000000").await;
        assert_eq!((theirs.status, theirs.untraced()), (nobodys.status, nobodys.untraced()));
        theirs.expect_problem(403, "forbidden");
        let without = api.send(api.request(Method::GET, &ada.path())).await;
        without.expect_problem(401, "unauthenticated");
        assert_eq!(without.header("www-authenticate"), "Bearer");
        assert_eq!(without.headers.get_all("www-authenticate").iter().count(), 1);
    })
    .await;
}
