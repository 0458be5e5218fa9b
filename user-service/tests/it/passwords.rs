//! Choosing, changing and resetting a password.

use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared_kernel::ActionPurpose;

use crate::support::api::{Answer, Api, PASSWORD, Person, action_token, with_api};

const NEW_PASSWORD: &str = "another horse, another battery";

async fn change(api: &Api, caller: &Person, whose: &Person, current: &str, new: &str) -> Answer {
    let body = json!({ "currentPassword": current, "newPassword": new });
    let path = format!("{}/password", whose.path());
    api.send(api.request_of(caller, Method::PUT, &path).json(&body)).await
}

async fn reset_by(api: &Api, token: &str, new: &str) -> Answer {
    api.post("/password-resets/confirm", &json!({ "token": token, "newPassword": new })).await
}

async fn is_logged_in(api: &Api, person: &Person) -> bool {
    api.get(person, &person.path()).await.status == 200
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_password_ends_the_other_sessions() {
    with_api(async |api: Arc<Api>| {
        let (ada, eve) = (api.sign_up("ada").await, api.sign_up("eve").await);
        let elsewhere = api.session_of(&ada.id, "ada", &ada.email).await;
        let answer = change(&api, &ada, &ada, PASSWORD, NEW_PASSWORD).await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        assert!(is_logged_in(&api, &ada).await && is_logged_in(&api, &eve).await);
        assert!(!is_logged_in(&api, &elsewhere).await);
        let refresh = json!({ "refreshToken": elsewhere.refresh });
        assert_eq!(api.post("/sessions/refresh", &refresh).await.status, 401);
        assert_eq!(api.log_in("ada", PASSWORD).await.status, 401);
        assert_eq!(api.log_in("ada", NEW_PASSWORD).await.status, 201);
        assert_eq!(api.events().await, ["registered", "registered", "updated"]);
        let payload = "SELECT payload FROM outbox WHERE eventType = 'inf-user.user.updated.v1'";
        let payload: Value = serde_json::from_str(&api.database.texts(payload).await[0]).unwrap();
        assert_eq!(payload["changed"], json!(["password"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_changed_by_its_owner_who_knows_it() {
    with_api(async |api: Arc<Api>| {
        let (ada, admin) = (api.sign_up("ada").await, api.admin("root").await);
        change(&api, &ada, &ada, "wrong", NEW_PASSWORD).await.expect_invalid("currentPassword", "incorrect");
        change(&api, &admin, &ada, PASSWORD, NEW_PASSWORD).await.expect_problem(403, "forbidden");
        change(&api, &ada, &ada, PASSWORD, "short").await.expect_invalid("newPassword", "too_short");
        assert_eq!(api.log_in("ada", PASSWORD).await.status, 201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_is_easy_to_guess_is_refused_wherever_it_is_chosen() {
    with_api(async |api: Arc<Api>| {
        let ada = api.sign_up("ada.lovelace").await;
        let version = api.security_version(&ada).await;
        let token = action_token(ActionPurpose::ResetPassword, &ada, &ada.email, version);
        for weak in ["password123", "aaaaaaaaaaaa", "ada.lovelace", "qwertzuiop1"] {
            let body =
                json!({ "username": "ada.lovelace2", "email": "ada.lovelace@example.net", "password": weak });
            let answer = api.post("/users", &body).await;
            answer.expect_invalid("password", "too_weak");
            assert!(answer.text.contains("easy to guess"), "a reason is given: {}", answer.text);
            change(&api, &ada, &ada, PASSWORD, weak).await.expect_invalid("newPassword", "too_weak");
            reset_by(&api, &token, weak).await.expect_invalid("newPassword", "too_weak");
        }
        assert_eq!(reset_by(&api, &token, NEW_PASSWORD).await.status, 204, "the token still counts");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_is_asked_for_without_telling_whether_the_address_is_known() {
    with_api(async |api: Arc<Api>| {
        let ada = api.sign_up("ada").await;
        let ask = async |email: &str| api.post("/password-resets", &json!({ "email": email })).await;
        let known = ask("ADA@example.org").await;
        let unknown = ask("nobody@example.org").await;
        assert_eq!((known.status, unknown.status), (202, 202));
        assert_eq!(known.untraced(), unknown.untraced());
        let names = |answer: &Answer| answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&known), names(&unknown));
        api.until_rows("passwordResetRequests", 0).await;
        assert_eq!(api.events().await, ["registered", "password-reset-requested"]);
        let payload = "SELECT payload FROM outbox ORDER BY seq";
        let payload: Value = serde_json::from_str(&api.database.texts(payload).await[1]).unwrap();
        assert_eq!(payload["after"]["email"], ada.email);
        assert!(payload.get("op").is_none(), "{payload}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_cannot_be_read_holds_up_nobodys_reset() {
    with_api(async |api: Arc<Api>| {
        for name in ["broken", "bob"] {
            api.sign_up(name).await;
        }
        api.database.execute("UPDATE users SET dateOfBirth = 'no date' WHERE username = 'broken'").await;
        for name in ["broken", "bob"] {
            let body = json!({ "email": format!("{name}@example.org") });
            assert_eq!(api.post("/password-resets", &body).await.status, 202);
        }
        api.until_rows("passwordResetRequests", 0).await;
        assert_eq!(api.events().await, ["registered", "registered", "password-reset-requested"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_gives_a_new_password_once_and_ends_every_session() {
    with_api(async |api: Arc<Api>| {
        let ada = api.sign_up("ada").await;
        let version = api.security_version(&ada).await;
        let token = action_token(ActionPurpose::ResetPassword, &ada, &ada.email, version);
        let for_another_purpose = action_token(ActionPurpose::ConfirmAddress, &ada, &ada.email, version);
        reset_by(&api, &for_another_purpose, NEW_PASSWORD).await.expect_invalid("token", "invalid_token");
        let answer = reset_by(&api, &token, NEW_PASSWORD).await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        assert!(!is_logged_in(&api, &ada).await);
        assert_eq!(api.log_in("ada", NEW_PASSWORD).await.status, 201);
        reset_by(&api, &token, "yet another horse").await.expect_invalid("token", "invalid_token");
        for token in [for_another_purpose] {
            let answer = api.post("/confirmations", &json!({ "token": token })).await;
            answer.expect_invalid("token", "invalid_token");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_link_does_not_count_after_the_address_or_the_password_changed() {
    with_api(async |api: Arc<Api>| {
        for name in ["ada", "bob"] {
            let person = api.sign_up(name).await;
            let version = api.security_version(&person).await;
            let token = action_token(ActionPurpose::ResetPassword, &person, &person.email, version);
            if name == "ada" {
                assert_eq!(change(&api, &person, &person, PASSWORD, NEW_PASSWORD).await.status, 204);
            } else {
                let body = json!({ "email": "bob@new.example", "currentPassword": PASSWORD });
                api.patch(&person, &person.path(), &body).await.expect(StatusCode::OK);
            }
            reset_by(&api, &token, "yet another horse").await.expect_invalid("token", "invalid_token");
        }
    })
    .await;
}
