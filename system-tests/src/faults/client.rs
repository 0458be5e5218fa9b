//! People who use the REST API, one life after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::{Client as Http, Method, StatusCode};
use serde_json::{Value, json};
use sqlx::Connection;
use sqlx::mysql::MySqlConnection;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::evidence::{Answer, Change, LifeRecord, What};
use super::life::{LifePlan, Step};
use super::mail_server::MailServer;
use crate::account::PASSWORD;

/// After this time a client takes an answer for lost.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a client tries what can be tried again, and waits for a mail with a link.
const PERSEVERANCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(150);

/// What all clients share.
pub(crate) struct World {
    /// `http://…` of each replica.
    pub(crate) apis: [String; 2],
    pub(crate) mail: Arc<MailServer>,
    /// Where other programs reach the table of users.
    pub(crate) database: String,
    /// When the last step is to be begun.
    pub(crate) over: CancellationToken,
    pub(crate) acknowledged: AtomicUsize,
    pub(crate) unknown: AtomicUsize,
}

/// One account.
struct Client {
    world: Arc<World>,
    http: Http,
    number: usize,
    changes: Vec<Change>,
    id: String,
    token: String,
    password: String,
    email: String,
    /// Which replica is asked first.
    replica: usize,
    password_was_changed: bool,
    /// A change without an answer: from now on it is not known which address is in force, or which password.
    is_lost: bool,
}

/// What came of a request.
enum Reply {
    Done(Value),
    Refused(String),
    /// It was not answered, or with a server's error.
    Lost,
    /// Nobody was there to be asked.
    NotSent,
}

/// Goes through a life, and tells what was answered. An account that nobody registered has none.
pub(crate) async fn live(world: Arc<World>, number: usize, plan: LifePlan) -> LifeRecord {
    let http = Http::builder().timeout(PATIENCE).build().expect("these settings are fine");
    let mut client = Client {
        world,
        http,
        number,
        changes: Vec::new(),
        id: String::new(),
        token: String::new(),
        password: PASSWORD.to_owned(),
        email: address(number, 0),
        replica: number % 2,
        password_was_changed: false,
        is_lost: false,
    };
    if client.register().await && client.log_in().await {
        for ((step, pause), replica) in plan.steps.into_iter().zip(plan.pauses).zip(plan.replicas) {
            sleep(pause).await;
            if client.is_lost || client.world.over.is_cancelled() {
                break;
            }
            client.replica = replica;
            client.take(step).await;
        }
    }
    LifeRecord { username: username(number), changes: client.changes }
}

fn username(number: usize) -> String {
    // The account whose name others ask for in vain.
    if number == 0 { "taken".to_owned() } else { format!("user{number}") }
}

fn address(number: usize, which: usize) -> String {
    format!("user{number}-{which}@example.org")
}

impl Client {
    /// With an `Idempotency-Key`, so that it can be tried until it is answered.
    async fn register(&mut self) -> bool {
        let body = json!({ "username": username(self.number), "email": self.email, "password": PASSWORD });
        let key = format!("registration-{}", self.number);
        let deadline = Instant::now() + PERSEVERANCE;
        let mut answer = Answer::Unknown;
        while answer == Answer::Unknown && Instant::now() < deadline {
            match self.send(Method::POST, "/users", &body, Some(&key)).await {
                Reply::Done(user) => {
                    self.id = user["id"].as_str().unwrap_or_default().to_owned();
                    answer = Answer::Acknowledged;
                }
                // The same request is still being carried out.
                Reply::Refused(how) if how.contains("request-in-progress") => {}
                Reply::Refused(how) => answer = Answer::Refused(how),
                Reply::Lost | Reply::NotSent => {}
            }
            self.replica += 1;
            if answer == Answer::Unknown {
                sleep(PAUSE).await;
            }
        }
        let what = What::Register { to: self.email.clone() };
        let is_registered = answer == Answer::Acknowledged;
        self.note(what, answer);
        is_registered
    }

    async fn log_in(&mut self) -> bool {
        let body = json!({ "login": username(self.number), "password": self.password });
        let deadline = Instant::now() + PERSEVERANCE;
        while Instant::now() < deadline {
            match self.send(Method::POST, "/sessions", &body, None).await {
                Reply::Done(session) => {
                    self.token = session["accessToken"].as_str().unwrap_or_default().to_owned();
                    return true;
                }
                Reply::Refused(how) => {
                    self.note(
                        What::Register { to: self.email.clone() },
                        Answer::Refused(format!("login: {how}")),
                    );
                    return false;
                }
                Reply::Lost | Reply::NotSent => self.replica += 1,
            }
            sleep(PAUSE).await;
        }
        false
    }

    async fn take(&mut self, step: Step) {
        let (to, name) = (self.email.clone(), format!("N{}-{}", self.number, self.changes.len()));
        match step {
            Step::ConfirmAccount => self.confirm(What::ConfirmAccount { to: to.clone() }, &to).await,
            Step::Rename => {
                let body = json!({ "fullName": name });
                self.change(What::Rename { to, name, by_sql: false }, Method::PATCH, "", &body).await;
            }
            Step::Replace => {
                let body = json!({ "username": username(self.number), "email": to, "fullName": name });
                self.change(What::Rename { to, name, by_sql: false }, Method::PUT, "", &body).await;
            }
            Step::RenameBySql => {
                let answer = self.rename_by_sql(&name).await;
                self.note(What::Rename { to, name, by_sql: true }, answer);
            }
            Step::ChangePassword => self.change_password().await,
            Step::ChangeAddress => self.change_address(name).await,
            Step::AskInVain(which) => {
                let name = format!("Refused {name}");
                let body = match which {
                    0 => json!({ "fullName": name, "dateOfBirth": "1990-02-30" }),
                    1 => json!({ "fullName": name, "shoeSize": 43 }),
                    2 => json!({ "fullName": name, "username": "TAKEN" }),
                    _ => {
                        json!({ "fullName": name, "email": "eve@example.org", "currentPassword": "not-this-one" })
                    }
                };
                self.change(What::InVain { to, name }, Method::PATCH, "", &body).await;
            }
            Step::Delete => {
                self.change(What::Delete { to }, Method::DELETE, "", &Value::Null).await;
                self.is_lost = true;
            }
        }
    }

    async fn change_password(&mut self) {
        if self.password_was_changed {
            return;
        }
        let new = format!("marked-other-secret-{}", self.changes.len());
        let body = json!({ "currentPassword": self.password, "newPassword": new });
        let what = What::ChangePassword { to: self.email.clone() };
        self.password_was_changed = true;
        match self.change(what, Method::PUT, "/password", &body).await {
            Some(Answer::Acknowledged) => self.password = new,
            Some(Answer::Unknown) => self.is_lost = true,
            _ => {}
        }
    }

    async fn change_address(&mut self, name: String) {
        let (from, to) = (self.email.clone(), address(self.number, self.changes.len()));
        let body = json!({ "fullName": name, "email": to, "currentPassword": self.password });
        let what = What::ChangeAddress { from: from.clone(), to: to.clone(), name };
        if self.change(what, Method::PATCH, "", &body).await != Some(Answer::Acknowledged) {
            self.is_lost = true;
            return;
        }
        self.confirm(What::ConfirmAddress { from, to: to.clone() }, &to).await;
        (self.email, self.password_was_changed) = (to, false);
    }

    /// Opens the link that was mailed to that address.
    async fn confirm(&mut self, what: What, to: &str) {
        let token = self.world.mail.token(to, PERSEVERANCE).await;
        let Some(token) = token else {
            self.is_lost = true;
            return;
        };
        let answer = self.ask(Method::POST, "/confirmations", &json!({ "token": token })).await;
        if answer != Some(Answer::Acknowledged) {
            self.is_lost = true;
        }
        if let Some(answer) = answer {
            self.note(what, answer);
        }
    }

    async fn change(&mut self, what: What, method: Method, path: &str, body: &Value) -> Option<Answer> {
        let path = format!("/users/{}{path}", self.id);
        let answer = self.ask(method, &path, body).await?;
        self.note(what, answer.clone());
        Some(answer)
    }

    /// What was answered; `None` when nobody was there to be asked, which ends this life.
    async fn ask(&mut self, method: Method, path: &str, body: &Value) -> Option<Answer> {
        let deadline = Instant::now() + PERSEVERANCE;
        while Instant::now() < deadline {
            match self.send(method.clone(), path, body, None).await {
                Reply::Done(_) => return Some(Answer::Acknowledged),
                Reply::Refused(how) => return Some(Answer::Refused(how)),
                Reply::Lost => return Some(Answer::Unknown),
                Reply::NotSent => self.replica += 1,
            }
            sleep(PAUSE).await;
        }
        self.is_lost = true;
        None
    }

    async fn send(&self, method: Method, path: &str, body: &Value, key: Option<&str>) -> Reply {
        let mut request = self.http.request(method, format!("{}{path}", self.world.apis[self.replica % 2]));
        if !body.is_null() {
            request = request.json(body);
        }
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => return Reply::NotSent,
            Err(_) => return Reply::Lost,
        };
        let status = answer.status();
        if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
            return Reply::Lost;
        }
        // The status says it; of an answer that is cut off the rest is not needed, but for an id.
        let Ok(text) = answer.text().await else { return Reply::Lost };
        if status.is_success() {
            return Reply::Done(serde_json::from_str(&text).unwrap_or_default());
        }
        Reply::Refused(format!("{status} {text}"))
    }

    async fn rename_by_sql(&self, name: &str) -> Answer {
        let username = username(self.number);
        let update = rename_by_sql(&self.world.database, &username, name);
        match timeout(PATIENCE, update).await {
            Ok(Ok(())) => Answer::Acknowledged,
            Ok(Err(_)) | Err(_) => Answer::Unknown,
        }
    }

    fn note(&mut self, what: What, answer: Answer) {
        match answer {
            Answer::Acknowledged => self.world.acknowledged.fetch_add(1, Ordering::Relaxed),
            Answer::Unknown => self.world.unknown.fetch_add(1, Ordering::Relaxed),
            Answer::Refused(_) => 0,
        };
        self.changes.push(Change { what, answer });
    }
}

/// Gives an account another name, as any program with a SQL client might.
pub(crate) async fn rename_by_sql(database: &str, username: &str, name: &str) -> Result<(), sqlx::Error> {
    let mut connection = MySqlConnection::connect(database).await?;
    sqlx::query("UPDATE users SET fullName = ? WHERE username = ?")
        .bind(name)
        .bind(username)
        .execute(&mut connection)
        .await?;
    // It is done, whether or not the server hears the goodbye.
    let _closed = connection.close().await;
    Ok(())
}
