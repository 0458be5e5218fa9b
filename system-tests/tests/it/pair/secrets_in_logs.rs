//! Nothing secret is logged, however much is logged: a full run at trace level, searched for each secret that was used.

use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use system_tests::{ReceivedMail, eventually, eventually_some};

use super::deployment::Deployment;

const LIMIT: Duration = Duration::from_secs(60);

/// A caller that notes each secret it sends or gets.
struct Caller {
    base: String,
    client: Client,
    secrets: Vec<String>,
}

impl Caller {
    fn secret(&mut self, text: &str) -> String {
        assert!(text.len() > 8, "{text:?} could be anywhere");
        self.secrets.push(text.to_owned());
        text.to_owned()
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Value,
        expected: StatusCode,
    ) -> Value {
        let mut request = self.client.request(method, format!("{}{path}", self.base)).json(&body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, expected, "{path}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn post(&self, path: &str, body: Value, expected: StatusCode) -> Value {
        self.call(Method::POST, path, None, body, expected).await
    }

    /// Logs in and notes both tokens; returns the access token.
    async fn log_in(&mut self, password: &str) -> String {
        let body = json!({ "login": "ada", "password": password });
        let tokens = self.post("/sessions", body, StatusCode::CREATED).await;
        let refresh = self.secret(tokens["refreshToken"].as_str().unwrap());
        let body = json!({ "refreshToken": refresh });
        let tokens = self.post("/sessions/refresh", body, StatusCode::OK).await;
        self.secret(tokens["refreshToken"].as_str().unwrap());
        self.secret(tokens["accessToken"].as_str().unwrap())
    }

    /// The token of the link in the newest mail of that subject, once it is there.
    async fn token_in_mail(&mut self, deployment: &Deployment, page: &str) -> String {
        let link = format!("/{page}?token=");
        let found = |mail: &ReceivedMail| {
            let token = mail.text.split_once(&link)?.1.split('&').next()?;
            Some(token.to_owned()).filter(|token| !self.secrets.contains(token))
        };
        let token = eventually_some(&format!("the link to {page}"), LIMIT, || async {
            deployment.sink.mails().await.iter().rev().find_map(found)
        })
        .await;
        self.secret(&token)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_password_token_or_hash_is_logged_at_trace_level() {
    let trace = [("USER_SERVICE_LOG", "trace"), ("NOTIFIER_LOG", "trace")];
    let Some(deployment) = Deployment::start_with("secrets_in_logs", &trace).await else { return };
    let base = deployment.users.trim_end_matches("/users").to_owned();
    let mut caller = Caller { base, client: Client::new(), secrets: Vec::new() };

    let first = caller.secret("first-marked-password");
    let body = json!({ "username": "ada", "email": "ada@example.org", "password": first });
    let user = caller.post("/users", body, StatusCode::CREATED).await;
    let path = format!("/users/{}", user["id"].as_str().unwrap());
    let wrong = caller.secret("a-wrong-marked-password");
    let body = json!({ "login": "ada", "password": wrong });
    caller.post("/sessions", body, StatusCode::UNAUTHORIZED).await;
    let access = caller.log_in(&first).await;
    let token = caller.token_in_mail(&deployment, "confirm").await;
    caller.post("/confirmations", json!({ "token": token }), StatusCode::OK).await;

    let body = json!({ "email": "ada@new.example", "currentPassword": first });
    caller.call(Method::PATCH, &path, Some(&access), body, StatusCode::OK).await;
    let token = caller.token_in_mail(&deployment, "cancel-email-change").await;
    caller.token_in_mail(&deployment, "confirm").await;
    caller.post("/email-change-cancellations", json!({ "token": token }), StatusCode::OK).await;

    let second = caller.secret("second-marked-password");
    let body = json!({ "currentPassword": first, "newPassword": second });
    let password_path = format!("{path}/password");
    caller.call(Method::PUT, &password_path, Some(&access), body, StatusCode::NO_CONTENT).await;
    caller.post("/password-resets", json!({ "email": "ada@example.org" }), StatusCode::ACCEPTED).await;
    let token = caller.token_in_mail(&deployment, "reset-password").await;
    // Opened by a browser too, whose address line has the token.
    let page = format!("{}/reset-password?token={token}", caller.base);
    assert_eq!(caller.client.get(page).send().await.unwrap().status(), StatusCode::OK);
    let third = caller.secret("third-marked-password");
    let body = json!({ "token": token, "newPassword": third });
    caller.post("/password-resets/confirm", body, StatusCode::NO_CONTENT).await;
    let access = caller.log_in(&third).await;
    // What cannot be read is not repeated either.
    let body = json!({ "fullName": 7, "currentPassword": third });
    caller.call(Method::PATCH, &path, Some(&access), body, StatusCode::UNPROCESSABLE_ENTITY).await;
    caller.call(Method::DELETE, &path, Some(&access), json!(null), StatusCode::NO_CONTENT).await;
    eventually("everything is delivered", LIMIT, || async {
        deployment.sink.mails().await.iter().any(|mail| mail.subject.contains("was deleted"))
    })
    .await;

    // What each of the three says at its most talkative. The relay says it when it has settled a batch, which may be after the mails.
    for told in ["sqlx::query", "user_service::transport::relay_loop", "notifier_service"] {
        eventually(&format!("{told} tells of its steps"), LIMIT, || async {
            deployment.logs().lines().any(|line| line.contains("DEBUG") && line.contains(told))
        })
        .await;
    }
    let logs = deployment.logs();
    // Each line is an object with the members that docs/LOGGING.md tells of; so no field can pass for another.
    for line in logs.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for member in ["timestamp", "level", "target", "message"] {
            assert!(line[member].is_string(), "{member}: {line}");
        }
    }
    // The keys that the deployment was told, and every hash; and addresses, which are masked.
    caller.secrets.extend(
        ["fedcba9876543210fedcba", "0123456789abcdef0123", "$argon2id", "ada@example.org", "ada@new.example"]
            .map(str::to_owned),
    );
    for secret in &caller.secrets {
        let line = logs.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret:?} is logged: {line:?}");
    }
    deployment.stop().await;
}
