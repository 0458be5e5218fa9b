//! What has had its time is cleared away.

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;

use crate::support::api::{Api, PASSWORD, Person, config, with_api_on};
use crate::support::databases::Engine;

const LEGACY: &str = "UPDATE users SET confirmationAskedAt = NULL, lastEventId = NULL, \
     lastUpdated = '2020-01-01 00:00:00' WHERE username = 'legacy'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_nobody_confirms_is_removed_and_its_owner_told() {
    for engine in [Engine::Sqlite, Engine::MySql] {
        let mut config = config();
        config.unconfirmed_for = Some(Duration::from_secs(7 * 24 * 60 * 60));
        config.housekeeping_interval = Duration::from_millis(20);
        with_api_on(engine, config, async |api: Arc<Api>| {
            let confirmed = api.sign_up("confirmed").await;
            api.confirm(&confirmed, &confirmed.email).await.expect(StatusCode::OK);
            for name in ["young", "old", "legacy"] {
                api.sign_up(name).await;
            }
            api.admin("root").await;
            // As a program before this service left it: never told of, and hashed at another cost.
            api.database.execute(LEGACY).await;
            api.database
                .execute(
                    "UPDATE users SET confirmationAskedAt = '2020-01-01 00:00:00' WHERE username = 'old'",
                )
                .await;
            api.until_rows("users", 4).await;
            assert_eq!(api.events().await.last().unwrap(), "deleted");

            let legacy = api.log_in("legacy", PASSWORD).await.expect(StatusCode::CREATED);
            let legacy = Person {
                access: legacy["accessToken"].as_str().unwrap().to_owned(),
                ..api.session_of(&api.id_of("legacy").await, "legacy", "legacy@example.org").await
            };
            let renamed = api.patch(&legacy, &legacy.path(), &json!({ "fullName": "Still here" })).await;
            renamed.expect(StatusCode::OK);
            // Another round or two.
            api.sign_up("second").await;
            api.database
                .execute(
                    "UPDATE users SET confirmationAskedAt = '2020-01-01 00:00:00' WHERE username = 'second'",
                )
                .await;
            api.until_rows("users", 4).await;
            let left = api.database.texts("SELECT username FROM users ORDER BY username").await;
            assert_eq!(left, ["confirmed", "legacy", "root", "young"]);
            let sessions =
                "SELECT DISTINCT username FROM users JOIN sessions ON userId = users.id ORDER BY username";
            assert_eq!(api.database.texts(sessions).await, left);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ended_sessions_and_old_answers_are_removed() {
    let mut config = config();
    config.sessions.idle_lifetime = Duration::ZERO;
    config.answers_kept = Duration::ZERO;
    config.housekeeping_interval = Duration::from_millis(20);
    with_api_on(Engine::Sqlite, config, async |api: Arc<Api>| {
        let ada = api.sign_up("ada").await;
        let request = api.request(reqwest::Method::POST, "/password-resets").header("idempotency-key", "k");
        let request = request.json(&serde_json::json!({ "email": ada.email }));
        assert_eq!(api.send(request).await.status, 202);
        api.until_rows("sessions", 0).await;
        api.until_rows("idempotentAnswers", 0).await;
        assert_eq!(api.database.count("users").await, 1);
    })
    .await;
}
