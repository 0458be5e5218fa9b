use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::json;
use system_tests::Account;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

const CLIENTS: u32 = 4;

/// How many changes an account lives for, besides its registration and its deletion.
const CHANGES_OF_A_LIFE: usize = 50;

/// Clients that register an account, change its name again and again, and delete it, at a steady rate. Each of these is
/// one mail.
pub(crate) struct Load {
    done: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// So many changes a second, of all clients together.
    pub(crate) fn start(users: &str, rate: u32) -> Self {
        let (done, is_over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let pace = Duration::from_secs(1) * CLIENTS / rate;
        let live = |client| {
            let (done, is_over) = (Arc::clone(&done), Arc::clone(&is_over));
            tokio::spawn(live(client, users.to_owned(), pace, done, is_over))
        };
        let clients = (0..CLIENTS).map(live).collect();
        Self { done, is_over, clients }
    }

    /// How many changes there were.
    pub(crate) fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    /// Ends after the change under way, and tells how many there were.
    pub(crate) async fn end(self) -> usize {
        self.is_over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.expect("no change is refused");
        }
        self.done.load(Ordering::Relaxed)
    }
}

async fn live(client: u32, users: String, pace: Duration, done: Arc<AtomicUsize>, is_over: Arc<AtomicBool>) {
    let mut ticks = interval(pace);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for life in 0_u64.. {
        let name = format!("user-{client}-{life}");
        ticks.tick().await;
        let account =
            Account::register(&users, json!({ "username": name, "email": format!("{name}@example.org") }))
                .await;
        done.fetch_add(1, Ordering::Relaxed);
        for change in 0..CHANGES_OF_A_LIFE {
            if is_over.load(Ordering::Relaxed) {
                return;
            }
            ticks.tick().await;
            succeed(account.patch(&users, &json!({ "fullName": format!("Name {change}") }))).await;
            done.fetch_add(1, Ordering::Relaxed);
        }
        ticks.tick().await;
        succeed(account.delete(&users)).await;
        done.fetch_add(1, Ordering::Relaxed);
    }
}

async fn succeed(request: RequestBuilder) {
    let answer = request.send().await.expect("the API answers");
    let status = answer.status();
    assert!(status.is_success(), "{status}: {}", answer.text().await.unwrap_or_default());
}
