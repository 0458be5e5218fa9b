//! Logging in, staying logged in, and being logged out.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::json;
use shared_kernel::SigningKeys;
use user_service::data_sources::Argon2Cost;
use user_service::entities::{AccessToken, RefreshToken, SessionId};

use crate::support::api::{Api, PASSWORD, Person, config, now, session_keys, with_api, with_api_on};
use crate::support::databases::Engine;

async fn refresh(api: &Api, token: &str) -> (StatusCode, Option<(String, String)>) {
    let answer = api.post("/sessions/refresh", &json!({ "refreshToken": token })).await;
    let status = StatusCode::from_u16(answer.status).unwrap();
    if status != StatusCode::OK {
        answer.expect_problem(401, "unauthenticated");
        return (status, None);
    }
    let tokens = answer.json();
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    (status, Some((text("accessToken"), text("refreshToken"))))
}

async fn reads_itself(api: &Api, person: &Person, access: &str) -> u16 {
    let person = Person { access: access.to_owned(), ..person.clone() };
    api.get(&person, &person.path()).await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_username_or_an_address_and_the_password_begin_a_session() {
    with_api(async |api: Arc<Api>| {
        let ada = api.sign_up("ada").await;
        for login in ["ada", "ADA", "ada@example.org", "Ada@Example.ORG", " ada "] {
            let answer = api.log_in(login, PASSWORD).await;
            let tokens = answer.expect(StatusCode::CREATED);
            assert_eq!((&tokens["tokenType"], &tokens["expiresIn"]), (&json!("Bearer"), &json!(600)));
            assert_eq!(reads_itself(&api, &ada, tokens["accessToken"].as_str().unwrap()).await, 200);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_does_not_tell_what_is_wrong() {
    with_api(async |api: Arc<Api>| {
        let ada = api.sign_up("ada").await;
        let moved = json!({ "email": "ada@new.example", "currentPassword": PASSWORD });
        assert_eq!(api.confirm(&ada, &ada.email).await.status, 200);
        assert_eq!(api.patch(&ada, &ada.path(), &moved).await.status, 200);
        let wrong = api.log_in("ada", "correct horse batterx").await;
        for (login, password) in [
            ("nobody", PASSWORD),
            ("nobody@example.org", PASSWORD),
            // An address that waits for its confirmation is nobody's yet.
            ("ada@new.example", PASSWORD),
            ("ada", "nobody's"),
            ("not a name", PASSWORD),
            ("' OR 1=1 --", PASSWORD),
            ("%", PASSWORD),
        ] {
            let answer = api.log_in(login, password).await;
            answer.expect_problem(401, "wrong-credentials");
            assert_eq!(answer.untraced(), wrong.untraced(), "{login}");
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{login}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_characters_are_refused_by_the_field() {
    with_api(async |api: Arc<Api>| {
        for (login, password, field) in [("a\0b", PASSWORD, "login"), ("ada", "pass\u{1}word", "password")] {
            api.log_in(login, password).await.expect_invalid(field, "invalid_characters");
        }
        for (path, field) in [("/sessions/refresh", "refreshToken"), ("/confirmations", "token")] {
            api.post(path, &json!({ field: "a\0b" })).await.expect_invalid(field, "invalid_characters");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_counts_once_and_its_second_use_ends_the_session() {
    with_api(async |api: Arc<Api>| {
        let ada = api.sign_up("ada").await;
        let other = api.session_of(&ada.id, "ada", &ada.email).await;
        let (_, first) = refresh(&api, &ada.refresh).await;
        let (access, second) = first.unwrap();
        assert_eq!(reads_itself(&api, &ada, &access).await, 200);
        assert_eq!(reads_itself(&api, &ada, &ada.access).await, 200, "the session goes on");

        assert_eq!(refresh(&api, &ada.refresh).await.0, 401, "the first one is used up");
        assert_eq!(refresh(&api, &second).await.0, 401, "and so is its whole family");
        assert_eq!(reads_itself(&api, &ada, &access).await, 401);
        assert_eq!(reads_itself(&api, &ada, &other.access).await, 200, "another session is not touched");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_concurrent_refreshes_by_one_token_one_succeeds_at_most() {
    for engine in [Engine::Sqlite, Engine::MySql] {
        with_api_on(engine, config(), async |api: Arc<Api>| {
            let ada = api.sign_up("ada").await;
            let calls: Vec<_> = (0..8)
                .map(|_| {
                    let (api, token) = (Arc::clone(&api), ada.refresh.clone());
                    tokio::spawn(async move { refresh(&api, &token).await })
                })
                .collect();
            let mut given = Vec::new();
            for call in calls {
                given.extend(call.await.unwrap().1);
            }
            assert_eq!(given.len(), 1, "one gets new tokens");
            assert_eq!(refresh(&api, &given[0].1).await.0, 401, "the others' reuse has ended the session");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_ends_the_session_at_once_and_no_other() {
    with_api(async |api: Arc<Api>| {
        let ada = api.sign_up("ada").await;
        let other = api.session_of(&ada.id, "ada", &ada.email).await;
        let answer = api.send(api.request_of(&ada, Method::DELETE, "/sessions/current")).await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        assert_eq!(reads_itself(&api, &ada, &ada.access).await, 401);
        assert_eq!(refresh(&api, &ada.refresh).await.0, 401);
        assert_eq!(reads_itself(&api, &ada, &other.access).await, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_not_refreshed_ends_by_itself() {
    let mut config = config();
    config.sessions.idle_lifetime = Duration::ZERO;
    with_api_on(Engine::Sqlite, config, async |api: Arc<Api>| {
        let ada = api.sign_up("ada").await;
        assert_eq!(reads_itself(&api, &ada, &ada.access).await, 401);
        assert_eq!(refresh(&api, &ada.refresh).await.0, 401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_was_not_made_here_or_has_expired_does_not_count() {
    with_api(async |api: Arc<Api>| {
        let ada = api.sign_up("ada").await;
        let mine = AccessToken::verify(&ada.access, &session_keys(), now()).unwrap();
        let foreign = SigningKeys::parse(&"f".repeat(32)).unwrap();
        let in_an_hour = now() + TimeDelta::hours(1);
        let of = |token: AccessToken, keys: &SigningKeys| token.sign(keys).expose_secret().to_owned();
        let fine = of(AccessToken { expires: in_an_hour, ..mine }, &session_keys());
        assert_eq!(reads_itself(&api, &ada, &fine).await, 200);
        for (what, token) in [
            ("expired", of(AccessToken { expires: now() - TimeDelta::seconds(1), ..mine }, &session_keys())),
            ("forged", of(AccessToken { expires: in_an_hour, ..mine }, &foreign)),
            (
                "of no session",
                of(
                    AccessToken { session: SessionId(uuid::Uuid::nil()), expires: in_an_hour, ..mine },
                    &session_keys(),
                ),
            ),
            (
                "for another user",
                of(
                    AccessToken {
                        user_id: shared_kernel::UserId(uuid::Uuid::nil()),
                        expires: in_an_hour,
                        ..mine
                    },
                    &session_keys(),
                ),
            ),
            ("unsigned", {
                let claims = fine.split('.').nth(1).unwrap();
                format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{claims}.")
            }),
            ("a refresh token", ada.refresh.clone()),
            ("nonsense", "x".into()),
        ] {
            assert_eq!(reads_itself(&api, &ada, &token).await, 401, "{what}");
        }
        // Nor does it end a session, which is for a token alone that was given out once.
        let invented = RefreshToken::new(mine.session, [0; 32]).sign(&foreign);
        assert_eq!(refresh(&api, invented.expose_secret()).await.0, 401);
        assert_eq!(refresh(&api, &ada.refresh).await.0, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_users_sessions_end() {
    with_api(async |api: Arc<Api>| {
        let ada = api.sign_up("ada").await;
        assert_eq!(api.send(api.request_of(&ada, Method::DELETE, &ada.path())).await.status, 204);
        assert_eq!(reads_itself(&api, &ada, &ada.access).await, 401);
        assert_eq!(refresh(&api, &ada.refresh).await.0, 401);
        assert_eq!(api.database.count("sessions").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_hashes_the_password_anew_when_the_cost_has_changed() {
    with_api(async |api: Arc<Api>| {
        api.sign_up("ada").await;
        let row = "SELECT concat_ws('|', password, version, securityVersion, lastUpdated, passwordChangedAt) FROM users";
        let before = api.database.texts(row).await;
        assert!(before[0].starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{before:?}");
        api.log_in("ada", PASSWORD).await.expect(StatusCode::CREATED);
        assert_eq!(api.database.texts(row).await, before, "the same cost changes nothing");

        let mut dearer = config();
        dearer.passwords.cost = Argon2Cost { memory_kib: 128, iterations: 2, parallelism: 1 };
        let second = Api::start(Arc::clone(&api.database), dearer).await;
        second.log_in("ada", "wrong password").await.expect_problem(401, "wrong-credentials");
        assert_eq!(api.database.texts(row).await, before);
        second.log_in("ada", PASSWORD).await.expect(StatusCode::CREATED);
        let after = api.database.texts(row).await;
        assert!(after[0].starts_with("$argon2id$v=19$m=128,t=2,p=1$"), "{after:?}");
        let rest = |row: &[String]| row[0].split_once('|').unwrap().1.to_owned();
        assert_eq!(rest(&after), rest(&before), "nothing but the hash has changed");
        assert_eq!(api.events().await, ["registered"], "and nobody is told");
        second.log_in("ada", PASSWORD).await.expect(StatusCode::CREATED);
        second.stop().await;
    })
    .await;
}
