use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::account::Account;
use crate::smtp_sink::ReceivedMail;
use crate::wait::eventually;

const USERS: usize = 6;
/// After this time a client takes an answer for lost.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a client waits who was told to come back later.
const PAUSE: Duration = Duration::from_millis(50);

/// Clients that update their users, one update after the other, whatever happens behind the API. An update that was
/// answered with a server's error, or not at all, may have happened or not; it is not tried again, but another in its
/// place.
pub struct SteadyLoad {
    allowed: Arc<Semaphore>,
    answered: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Vec<usize>>>,
}

impl SteadyLoad {
    /// Registers the users at the API (`http://…/users`). Their updates are numbered from 0, those of one user rising,
    /// and update 7 names its user "Name 7".
    ///
    /// # Panics
    ///
    /// When a user cannot be registered.
    pub async fn start(api: &str) -> Self {
        let (allowed, answered) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut clients = Vec::new();
        for user in 0..USERS {
            let body =
                json!({ "username": format!("user{user}"), "email": format!("user{user}@example.org") });
            let account = Account::register(api, body).await;
            let client = update(account, api.to_owned(), user, Arc::clone(&allowed), Arc::clone(&answered));
            clients.push(tokio::spawn(client));
        }
        Self { allowed, answered, clients }
    }

    /// Lets the clients go on until so many more updates are answered with success.
    pub fn allow(&self, more: usize) {
        self.allowed.add_permits(more);
    }

    /// Waits until so many updates were answered with success in all.
    ///
    /// # Panics
    ///
    /// When they are not within the limit.
    pub async fn answered(&self, count: usize, limit: Duration) {
        let what = format!("{count} updates are answered");
        eventually(&what, limit, || async { self.answered.load(Ordering::SeqCst) >= count }).await;
    }

    /// Ends after what is under way and returns the numbers of all updates that were answered with success.
    ///
    /// # Panics
    ///
    /// When an update was answered with a refusal.
    pub async fn end(self) -> Vec<usize> {
        self.allowed.close();
        let mut acknowledged = Vec::new();
        for client in self.clients {
            acknowledged.extend(client.await.expect("no update is refused"));
        }
        acknowledged
    }
}

async fn update(
    account: Account,
    users: String,
    user: usize,
    allowed: Arc<Semaphore>,
    answered: Arc<AtomicUsize>,
) -> Vec<usize> {
    let mut numbers = (user..).step_by(USERS);
    let mut acknowledged = Vec::new();
    while let Ok(permit) = allowed.acquire().await {
        permit.forget();
        for number in &mut numbers {
            if succeeds(account.patch(&users, &json!({ "fullName": name_of(number) })), number).await {
                answered.fetch_add(1, Ordering::SeqCst);
                acknowledged.push(number);
                break;
            }
            sleep(PAUSE).await;
        }
    }
    acknowledged
}

async fn succeeds(request: RequestBuilder, number: usize) -> bool {
    match timeout(PATIENCE, request.send()).await {
        Ok(Ok(answer)) if answer.status().is_server_error() => false,
        Ok(Ok(answer)) => {
            let status = answer.status();
            assert!(
                status.is_success(),
                "update {number}: {status} {}",
                answer.text().await.unwrap_or_default()
            );
            true
        }
        Ok(Err(_)) | Err(_) => false,
    }
}

fn name_of(number: usize) -> String {
    format!("Name {number}")
}

/// The number of the update that gave somebody that name.
pub fn update_of_name(name: &str) -> Option<usize> {
    name.strip_prefix("Name ")?.parse().ok()
}

/// The updates that mails tell of, by their reader, in the order in which each was told of for the first time.
///
/// # Panics
///
/// When mails with different `Message-ID`s tell of one update.
pub fn updates_by_reader(mails: &[ReceivedMail]) -> HashMap<String, Vec<usize>> {
    let mut ids: HashMap<usize, &str> = HashMap::new();
    let mut updates: HashMap<String, Vec<usize>> = HashMap::new();
    for mail in mails {
        let greeted = mail.text.strip_prefix("Hello ").and_then(|rest| rest.split(',').next());
        let Some(number) = greeted.and_then(update_of_name) else { continue };
        match ids.insert(number, &mail.message_id) {
            None => updates.entry(mail.to.clone()).or_default().push(number),
            Some(first) => assert_eq!(first, mail.message_id, "two mails tell of update {number}"),
        }
    }
    updates
}
