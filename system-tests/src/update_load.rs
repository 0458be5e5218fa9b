use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::account::Account;
use crate::smtp_sink::ReceivedMail;

const USERS: usize = 6;
/// How long a client waits for the API to come back before it goes on.
const PATIENCE: Duration = Duration::from_secs(15);

/// Clients that update their users one update after the other, and note which were answered with success. What
/// was not answered is not tried again: it may have happened or not.
pub struct UpdateLoad {
    api: watch::Sender<String>,
    tried: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Vec<usize>>>,
}

impl UpdateLoad {
    /// Registers the users at the API (`http://…/users`) and starts `updates` updates in all, numbered from 0.
    ///
    /// # Panics
    ///
    /// When a user cannot be registered.
    pub async fn start(api: &str, updates: usize) -> Self {
        let (sender, receiver) = watch::channel(api.to_owned());
        let tried = Arc::new(AtomicUsize::new(0));
        let mut clients = Vec::new();
        for user in 0..USERS {
            let body =
                json!({ "username": format!("user{user}"), "email": format!("user{user}@example.org") });
            let account = Account::register(api, body).await;
            let numbers = (user..updates).step_by(USERS);
            clients.push(tokio::spawn(update(account, numbers, receiver.clone(), Arc::clone(&tried))));
        }
        Self { api: sender, tried, clients }
    }

    /// Waits until so many updates were tried.
    pub async fn tried(&self, count: usize) {
        while self.tried.load(Ordering::SeqCst) < count {
            tokio::task::yield_now().await;
        }
    }

    /// Says where the API is now, to clients that were cut off too.
    pub fn api_is_at(&self, api: &str) {
        self.api.send_replace(api.to_owned());
    }

    /// Waits for the end and returns the numbers of the updates that were answered with success.
    ///
    /// # Panics
    ///
    /// When an update was answered with a refusal.
    pub async fn acknowledged(self) -> Vec<usize> {
        let mut acknowledged = Vec::new();
        for client in self.clients {
            acknowledged.extend(client.await.expect("no update is refused"));
        }
        acknowledged
    }
}

async fn update(
    account: Account,
    numbers: impl Iterator<Item = usize> + Send,
    mut api: watch::Receiver<String>,
    tried: Arc<AtomicUsize>,
) -> Vec<usize> {
    let mut acknowledged = Vec::new();
    for number in numbers {
        let users = api.borrow_and_update().clone();
        let answer = account.patch(&users, &json!({ "fullName": format!("Name {number}") })).send().await;
        tried.fetch_add(1, Ordering::SeqCst);
        match answer {
            Ok(answer) if answer.status().is_success() => acknowledged.push(number),
            Ok(answer) => panic!("update {number}: {}", answer.status()),
            // Cut off: wait for the API rather than run through all updates meanwhile.
            Err(_) => {
                let _back_or_not = timeout(PATIENCE, api.changed()).await;
            }
        }
    }
    acknowledged
}

/// The updates that mails tell of, each with the `Message-ID`s of the mails that do.
pub fn mailed_updates(mails: &[ReceivedMail]) -> HashMap<usize, HashSet<String>> {
    let mut updates: HashMap<usize, HashSet<String>> = HashMap::new();
    for mail in mails {
        let name = mail.text.strip_prefix("Hello Name ").and_then(|rest| rest.split(',').next());
        if let Some(number) = name.and_then(|number| number.parse().ok()) {
            updates.entry(number).or_default().insert(mail.message_id.clone());
        }
    }
    updates
}
