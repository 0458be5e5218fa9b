//! Confirming an address, changing it, and stopping such a change.

use std::sync::Arc;

use chrono::TimeDelta;
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared_kernel::{ActionPurpose, ActionToken, SigningKeys};

use crate::support::api::{
    Answer, Api, PASSWORD, Person, action_keys, action_token, config, now, with_api, with_api_on,
};
use crate::support::databases::Engine;

use ActionPurpose::{CancelAddressChange, ConfirmAddress, ResetPassword};

async fn confirm_by(api: &Api, token: &str) -> Answer {
    api.post("/confirmations", &json!({ "token": token })).await
}

async fn stop_by(api: &Api, token: &str) -> Answer {
    api.post("/email-change-cancellations", &json!({ "token": token })).await
}

async fn confirmed(api: &Api, name: &str) -> Person {
    let person = api.sign_up(name).await;
    api.confirm(&person, &person.email).await.expect(StatusCode::OK);
    person
}

async fn ask_for(api: &Api, person: &Person, address: &str) -> Answer {
    let body = json!({ "email": address, "currentPassword": PASSWORD });
    api.patch(person, &person.path(), &body).await
}

async fn addresses(api: &Api, person: &Person) -> (Value, Value) {
    let user = api.get(person, &person.path()).await.expect(StatusCode::OK);
    (user["email"].clone(), user["pendingEmail"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_confirmed_once_by_the_link_to_its_address() {
    with_api(async |api: Arc<Api>| {
        let ada = api.sign_up("ada").await;
        let token = action_token(ConfirmAddress, &ada, &ada.email, 1);
        let answer = confirm_by(&api, &token).await.expect(StatusCode::OK);
        assert_eq!(answer, json!({ "email": "ada@example.org", "status": "Confirmed" }));
        let user = api.get(&ada, &ada.path()).await;
        assert_eq!(user.json()["status"], "Confirmed");
        assert_eq!(user.header("etag"), "\"2\"");
        confirm_by(&api, &token).await.expect_invalid("token", "invalid_token");
        assert_eq!(api.events().await, ["registered", "updated"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_counts_that_was_not_made_for_just_this() {
    with_api(async |api: Arc<Api>| {
        let (ada, eve) = (api.sign_up("ada").await, api.sign_up("eve").await);
        let good = ActionToken {
            purpose: ConfirmAddress,
            user_id: ada.user_id(),
            address: ada.email.clone(),
            security_version: 1,
            expires: now() + TimeDelta::hours(1),
        };
        let signed = |token: &ActionToken| token.sign(&action_keys()).expose_secret().to_owned();
        let foreign = SigningKeys::parse(&"f".repeat(32)).unwrap();
        let mut bad = vec![
            ("expired by this service's clock", signed(&ActionToken { expires: now(), ..good.clone() })),
            ("of another purpose", signed(&ActionToken { purpose: ResetPassword, ..good.clone() })),
            ("of another purpose", signed(&ActionToken { purpose: CancelAddressChange, ..good.clone() })),
            ("for another address", signed(&ActionToken { address: eve.email.clone(), ..good.clone() })),
            ("for another account", signed(&ActionToken { user_id: eve.user_id(), ..good.clone() })),
            ("of the past", signed(&ActionToken { security_version: 0, ..good.clone() })),
            ("of the future", signed(&ActionToken { security_version: 2, ..good.clone() })),
            ("signed by somebody else", good.sign(&foreign).expose_secret().to_owned()),
            ("an access token", ada.access.clone()),
            ("nothing", String::new()),
        ];
        let token = signed(&good);
        for position in (0..token.len()).step_by(7) {
            let mut bytes = token.clone().into_bytes();
            bytes[position] ^= 1;
            bad.push(("with a bit flipped", String::from_utf8(bytes).unwrap()));
        }
        for (what, token) in bad {
            let answer = confirm_by(&api, &token).await;
            assert_eq!(answer.status, 422, "{what}: {token} {}", answer.text);
            assert!(answer.text.contains("\"token\""), "{what}: {}", answer.text);
        }
        assert_eq!(api.events().await, ["registered", "registered"]);
        confirm_by(&api, &token).await.expect(StatusCode::OK);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_address_of_an_unconfirmed_account_is_in_force_at_once() {
    with_api(async |api: Arc<Api>| {
        let ada = api.sign_up("ada").await;
        let old = action_token(ConfirmAddress, &ada, &ada.email, 1);
        ask_for(&api, &ada, "ada@new.example").await.expect(StatusCode::OK);
        assert_eq!(addresses(&api, &ada).await, (json!("ada@new.example"), Value::Null));
        confirm_by(&api, &old).await.expect_invalid("token", "invalid_token");
        api.confirm(&ada, "ada@new.example").await.expect(StatusCode::OK);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_address_of_a_confirmed_account_waits_for_its_link() {
    with_api(async |api: Arc<Api>| {
        let ada = confirmed(&api, "ada").await;
        ask_for(&api, &ada, "ada@new.example").await.expect(StatusCode::OK);
        assert_eq!(addresses(&api, &ada).await, (json!("ada@example.org"), json!("ada@new.example")));
        let version = api.security_version(&ada).await;
        let by_the_old_address = action_token(ConfirmAddress, &ada, &ada.email, version);
        confirm_by(&api, &by_the_old_address).await.expect_invalid("token", "invalid_token");
        let answer = api.confirm(&ada, "ada@new.example").await.expect(StatusCode::OK);
        assert_eq!(answer["email"], "ada@new.example");
        assert_eq!(addresses(&api, &ada).await, (json!("ada@new.example"), Value::Null));
        api.log_in("ada@new.example", PASSWORD).await.expect(StatusCode::CREATED);
        assert_eq!(api.log_in("ada@example.org", PASSWORD).await.status, 401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reader_of_the_address_in_force_can_stop_the_change() {
    with_api(async |api: Arc<Api>| {
        let ada = confirmed(&api, "ada").await;
        ask_for(&api, &ada, "eve@example.net").await.expect(StatusCode::OK);
        let version = api.security_version(&ada).await;
        let confirm = action_token(ConfirmAddress, &ada, "eve@example.net", version);
        let stop_by_eve = action_token(CancelAddressChange, &ada, "eve@example.net", version);
        stop_by(&api, &stop_by_eve).await.expect_invalid("token", "invalid_token");
        stop_by(&api, &confirm).await.expect_invalid("token", "invalid_token");
        let stop = action_token(CancelAddressChange, &ada, &ada.email, version);
        let answer = stop_by(&api, &stop).await.expect(StatusCode::OK);
        assert_eq!(answer, json!({ "email": "ada@example.org", "status": "Confirmed" }));
        assert_eq!(addresses(&api, &ada).await, (json!("ada@example.org"), Value::Null));
        confirm_by(&api, &confirm).await.expect_invalid("token", "invalid_token");
        stop_by(&api, &stop).await.expect_invalid("token", "invalid_token");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_of_the_same_address_leaves_a_change_alone_and_a_new_password_calls_it_off() {
    with_api(async |api: Arc<Api>| {
        let ada = confirmed(&api, "ada").await;
        ask_for(&api, &ada, "ada@new.example").await.expect(StatusCode::OK);
        let body = json!({ "username": "ada", "email": "ada@example.org", "fullName": "Ada" });
        let put = api.request_of(&ada, Method::PUT, &ada.path()).json(&body);
        api.send(put).await.expect(StatusCode::OK);
        assert_eq!(addresses(&api, &ada).await.1, "ada@new.example");
        let body = json!({ "currentPassword": PASSWORD, "newPassword": "another horse battery" });
        let path = format!("{}/password", ada.path());
        assert_eq!(api.send(api.request_of(&ada, Method::PUT, &path).json(&body)).await.status, 204);
        assert_eq!(addresses(&api, &ada).await.1, Value::Null);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_address_takes_the_password_of_the_owner() {
    with_api(async |api: Arc<Api>| {
        let (ada, admin) = (confirmed(&api, "ada").await, api.admin("root").await);
        let put = |body: Value| api.request_of(&ada, Method::PUT, &ada.path()).json(&body);
        let same = json!({ "username": "ada", "email": "ada@example.org", "fullName": "Ada" });
        api.send(put(same)).await.expect(StatusCode::OK);
        let body = json!({ "username": "ada", "email": "ada@new.example" });
        api.send(put(body)).await.expect_invalid("currentPassword", "required");
        let patch = json!({ "email": "ada@new.example" });
        api.patch(&ada, &ada.path(), &patch).await.expect_invalid("currentPassword", "required");
        let wrong = json!({ "email": "ada@new.example", "currentPassword": "wrong" });
        api.patch(&ada, &ada.path(), &wrong).await.expect_invalid("currentPassword", "incorrect");
        assert_eq!(addresses(&api, &ada).await, (json!("ada@example.org"), Value::Null));
        // An admin does not know it, and the address waits for its link all the same.
        api.patch(&admin, &ada.path(), &patch).await.expect(StatusCode::OK);
        assert_eq!(addresses(&api, &ada).await, (json!("ada@example.org"), json!("ada@new.example")));
        api.patch(&ada, &ada.path(), &patch).await.expect(StatusCode::OK);
        let back = json!({ "email": "ada@example.org" });
        api.patch(&ada, &ada.path(), &back).await.expect(StatusCode::OK);
        assert_eq!(addresses(&api, &ada).await, (json!("ada@example.org"), Value::Null));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_accounts_that_want_one_address_one_gets_it() {
    for engine in [Engine::Sqlite, Engine::MariaDb, Engine::MySql] {
        with_api_on(engine, config(), async |api: Arc<Api>| {
            let (ada, eve) = (confirmed(&api, "ada").await, confirmed(&api, "eve").await);
            for person in [&ada, &eve] {
                ask_for(&api, person, "wanted@example.net").await.expect(StatusCode::OK);
            }
            let calls = [&ada, &eve].map(|person| {
                let (api, person) = (Arc::clone(&api), person.clone());
                tokio::spawn(async move { api.confirm(&person, "wanted@example.net").await })
            });
            let mut statuses = Vec::new();
            for call in calls {
                let answer = call.await.unwrap();
                if answer.status == 409 {
                    let problem = answer.expect_problem(409, "already-taken");
                    assert_eq!(problem["errors"][0]["field"], "email");
                }
                statuses.push(answer.status);
            }
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 409]);
            let owners = "SELECT username FROM users WHERE email = 'wanted@example.net'";
            assert_eq!(api.database.texts(owners).await.len(), 1);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_another_account_has_is_refused_at_once() {
    with_api(async |api: Arc<Api>| {
        let (ada, eve) = (confirmed(&api, "ada").await, confirmed(&api, "eve").await);
        let before = api.events().await;
        let problem = ask_for(&api, &ada, "EVE@example.org").await.expect_problem(409, "already-taken");
        assert_eq!(problem["errors"][0]["field"], "email");
        let wrong = json!({ "email": eve.email, "currentPassword": "wrong" });
        api.patch(&ada, &ada.path(), &wrong).await.expect_invalid("currentPassword", "incorrect");
        let stale = json!({ "email": eve.email, "currentPassword": PASSWORD });
        let stale = api.request_of(&ada, Method::PATCH, &ada.path()).header("if-match", "\"1\"").json(&stale);
        api.send(stale).await.expect_problem(412, "stale-version");
        assert_eq!(api.events().await, before);
        assert_eq!(addresses(&api, &ada).await.1, Value::Null);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_changes_of_addresses_than_connections_do_not_stand_in_each_others_way() {
    with_api_on(Engine::MySql, config(), async |api: Arc<Api>| {
        let mut people = Vec::new();
        for n in 0..40 {
            people.push(api.sign_up(&format!("user{n}")).await);
        }
        let calls: Vec<_> = people
            .into_iter()
            .map(|person| {
                let api = Arc::clone(&api);
                let address = format!("new-{}", person.email);
                tokio::spawn(async move { ask_for(&api, &person, &address).await })
            })
            .collect();
        for call in calls {
            call.await.unwrap().expect(StatusCode::OK);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_confirmation_mail_is_asked_for_only_while_an_address_waits() {
    with_api(async |api: Arc<Api>| {
        let ada = api.sign_up("ada").await;
        let path = format!("{}/confirmation-mails", ada.path());
        let ask = async || api.send(api.request_of(&ada, Method::POST, &path)).await.status;
        assert_eq!(ask().await, 202);
        assert_eq!(api.events().await, ["registered", "confirmation-requested"]);
        assert_eq!(api.get(&ada, &ada.path()).await.header("etag"), "\"1\"", "no row has changed");
        // The link of either mail counts, since the account is as both found it.
        api.confirm(&ada, &ada.email).await.expect(StatusCode::OK);
        assert_eq!(ask().await, 202);
        assert_eq!(api.events().await, ["registered", "confirmation-requested", "updated"]);
        ask_for(&api, &ada, "ada@new.example").await.expect(StatusCode::OK);
        assert_eq!(ask().await, 202);
        assert_eq!(api.events().await[3..], ["updated", "confirmation-requested"]);
    })
    .await;
}
