//! The REST API over a real socket, wired as the program wires it, on a database of its own.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared_kernel::{ActionPurpose, ActionToken, SigningKeys, UserId};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use user_service::composition;
use user_service::config::{ApiConfig, PasswordConfig, UserServiceConfig};
use user_service::data_sources::{Argon2Cost, SystemClock};
use user_service::entities::NewPassword;
use user_service::repositories::Clock as _;
use user_service::transport::http::RateSettings;

use super::databases::{Engine, TestDatabase, with_database};
use super::people::registration;
use super::waiting::soon;

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const JSON: &str = "application/json";
pub(crate) const MERGE_PATCH: &str = "application/merge-patch+json";

/// A running service.
pub(crate) struct Api {
    pub(crate) base: String,
    pub(crate) database: Arc<TestDatabase>,
    client: reqwest::Client,
    shutdown: CancellationToken,
    server: JoinHandle<()>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// Somebody who is logged in.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Person {
    /// The account's path.
    pub(crate) fn path(&self) -> String {
        format!("/users/{}", self.id)
    }

    pub(crate) fn user_id(&self) -> UserId {
        self.id.parse().unwrap()
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The text without the id of the trace, which each request has of its own.
    pub(crate) fn untraced(&self) -> String {
        match serde_json::from_str(&self.text) {
            Ok(Value::Object(mut problem)) => {
                problem.remove("traceId");
                Value::Object(problem).to_string()
            }
            _ => self.text.clone(),
        }
    }

    /// The answer's JSON, which must have come with that status.
    #[track_caller]
    pub(crate) fn expect(&self, status: StatusCode) -> Value {
        assert_eq!(self.status, status.as_u16(), "{}", self.text);
        self.json()
    }

    /// The answer must be a refusal of that status and type.
    #[track_caller]
    pub(crate) fn expect_problem(&self, status: u16, name: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["type"], format!("/problems/{name}"), "{problem}");
        problem
    }

    /// The answer must refuse that field for that reason.
    #[track_caller]
    pub(crate) fn expect_invalid(&self, field: &str, code: &str) {
        let problem = self.expect_problem(422, "invalid-fields");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        assert_eq!(problem["errors"][0]["code"], code, "{problem}");
    }
}

/// The keys that every service of the tests has.
pub(crate) fn session_keys() -> SigningKeys {
    SigningKeys::parse("session-key-of-the-tests-0123456789").unwrap()
}

pub(crate) fn action_keys() -> SigningKeys {
    SigningKeys::parse("action-key-of-the-tests-0123456789").unwrap()
}

pub(crate) fn now() -> DateTime<Utc> {
    SystemClock.now()
}

/// A token as the notifier makes it, which counts for an hour.
pub(crate) fn action_token(purpose: ActionPurpose, user: &Person, address: &str, version: i64) -> String {
    let expires = now() + TimeDelta::hours(1);
    let token = ActionToken {
        purpose,
        user_id: user.user_id(),
        address: address.to_owned(),
        security_version: version,
        expires,
    };
    token.sign(&action_keys()).expose_secret().to_owned()
}

/// The least that a hash can cost.
pub(crate) const CHEAP: Argon2Cost = Argon2Cost { memory_kib: 64, iterations: 1, parallelism: 1 };

/// The defaults, with cheap hashes and without limits by client.
pub(crate) fn config() -> ApiConfig {
    let mut config = ApiConfig::new(session_keys(), action_keys());
    config.passwords = PasswordConfig { cost: CHEAP, ..PasswordConfig::default() };
    config.http.rates = RateSettings { per_address_per_minute: 0, per_account_per_minute: 0 };
    config
}

/// Runs a test against the service on a SQLite file of its own.
pub(crate) async fn with_api<Fut>(test: impl FnOnce(Arc<Api>) -> Fut + Send + 'static)
where
    Fut: Future<Output = ()> + Send + 'static,
{
    with_api_on(Engine::Sqlite, config(), test).await;
}

/// Runs a test against the service on a database of its own.
pub(crate) async fn with_api_on<Fut>(
    engine: Engine,
    config: ApiConfig,
    test: impl FnOnce(Arc<Api>) -> Fut + Send + 'static,
) where
    Fut: Future<Output = ()> + Send + 'static,
{
    with_database(engine, async move |database: Arc<TestDatabase>| {
        let api = Arc::new(Api::start(database, config).await);
        test(Arc::clone(&api)).await;
        api.stop().await;
    })
    .await;
}

impl Api {
    /// Starts the service on that database.
    pub(crate) async fn start(database: Arc<TestDatabase>, config: ApiConfig) -> Self {
        let config = UserServiceConfig { api: Some(config), ..UserServiceConfig::new(database.url()) };
        let service = composition::build(config).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let server = tokio::spawn(async move {
            service.serve(listener, stop).await;
            service.close().await;
        });
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self { base, database, client, shutdown, server }
    }

    /// Stops the service and waits until it has.
    pub(crate) async fn stop(&self) {
        self.shutdown.cancel();
        soon("the service stopping", async {
            while !self.server.is_finished() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// A request that shows no token.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// A request of that person.
    pub(crate) fn request_of(&self, person: &Person, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).bearer_auth(&person.access)
    }

    /// Every answer comes through here: none may hold a password or its hash.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        if !text.contains("openapi") {
            for secret in [PASSWORD, "argon2", "password\":"] {
                assert!(!text.contains(secret), "{text}");
                assert!(!format!("{headers:?}").contains(secret), "{headers:?}");
            }
        }
        Answer { status, headers, text }
    }

    pub(crate) async fn get(&self, person: &Person, path: &str) -> Answer {
        self.send(self.request_of(person, Method::GET, path)).await
    }

    /// A `POST` of JSON that shows no token.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn patch(&self, person: &Person, path: &str, body: &Value) -> Answer {
        let request = self.request_of(person, Method::PATCH, path).header("content-type", MERGE_PATCH);
        self.send(request.body(body.to_string())).await
    }

    pub(crate) async fn log_in(&self, login: &str, password: &str) -> Answer {
        self.post("/sessions", &json!({ "login": login, "password": password })).await
    }

    /// Registers `name` at example.org and logs in.
    pub(crate) async fn sign_up(&self, name: &str) -> Person {
        let email = format!("{name}@example.org");
        let body = json!({ "username": name, "email": email, "password": PASSWORD });
        let user = self.post("/users", &body).await.expect(StatusCode::CREATED);
        self.session_of(user["id"].as_str().unwrap(), name, &email).await
    }

    /// A new session of an account that has the usual password.
    pub(crate) async fn session_of(&self, id: &str, username: &str, email: &str) -> Person {
        let tokens = self.log_in(username, PASSWORD).await.expect(StatusCode::CREATED);
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        Person {
            id: id.to_owned(),
            username: username.to_owned(),
            email: email.to_owned(),
            access: text("accessToken"),
            refresh: text("refreshToken"),
        }
    }

    /// An administrator, made as the operator makes one.
    pub(crate) async fn admin(&self, name: &str) -> Person {
        let email = format!("{name}@example.org");
        let password = NewPassword::parse(PASSWORD).unwrap();
        let service = UserServiceConfig::new(self.database.url());
        let registration = registration(name, &email);
        let admin =
            composition::create_admin(&service, config().passwords, registration, password).await.unwrap();
        self.session_of(&admin.id.to_string(), name, &email).await
    }

    /// The id of the account with that username.
    pub(crate) async fn id_of(&self, username: &str) -> String {
        let id = format!("SELECT LOWER(HEX(id)) FROM users WHERE username = '{username}'");
        let id: uuid::Uuid = self.database.texts(&id).await[0].parse().unwrap();
        id.to_string()
    }

    /// What the account's `securityVersion` is.
    pub(crate) async fn security_version(&self, person: &Person) -> i64 {
        let sql =
            format!("SELECT CAST(securityVersion AS CHAR) FROM users WHERE username = '{}'", person.username);
        self.database.texts(&sql).await[0].parse().unwrap()
    }

    /// Confirms the address that waits for it, as its reader does.
    pub(crate) async fn confirm(&self, person: &Person, address: &str) -> Answer {
        let version = self.security_version(person).await;
        let token = action_token(ActionPurpose::ConfirmAddress, person, address, version);
        self.post("/confirmations", &json!({ "token": token })).await
    }

    /// Waits until the table has so many rows.
    pub(crate) async fn until_rows(&self, table: &str, rows: usize) {
        soon(&format!("{rows} rows in {table}"), async {
            while self.database.count(table).await != rows {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }

    /// The types of the events that wait in the outbox, in their order.
    pub(crate) async fn events(&self) -> Vec<String> {
        let types = self.database.texts("SELECT eventType FROM outbox ORDER BY seq").await;
        types
            .into_iter()
            .map(|name| name.trim_start_matches("inf-user.user.").trim_end_matches(".v1").to_owned())
            .collect()
    }
}
