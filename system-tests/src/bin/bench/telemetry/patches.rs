use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use system_tests::{Account, ServiceProcess, TestDatabase, run_to_end, unique_name};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::Failure;
use crate::progress::say;
use crate::relay::ground::{Ground, STOP_LIMIT};

const START_LIMIT: Duration = Duration::from_secs(60);
const KEYS: [(&str, &str); 2] = [
    ("USER_SERVICE_SESSION_KEY", "0123456789abcdef0123456789abcdef-session"),
    ("USER_SERVICE_ACTION_TOKEN_KEY", "0123456789abcdef0123456789abcdef-action"),
];

/// `user-service serve` and clients that change names.
pub(super) struct Patches {
    program: PathBuf,
    database: Arc<TestDatabase>,
    clients: u32,
    limit: Duration,
}

impl Patches {
    /// Makes the tables that it needs.
    pub(super) fn prepare(program: &Path, database: &Arc<TestDatabase>, clients: u32, seconds: u64) -> Self {
        let (program, database) = (program.to_owned(), Arc::clone(database));
        let patches = Self { program, database, clients, limit: Duration::from_secs(seconds) };
        let url = [("USER_SERVICE_DATABASE_URL", patches.database.url())];
        run_to_end(&patches.program_name(), "migrate", &url);
        patches
    }

    /// How many changes a second were answered with success.
    pub(super) async fn run(
        &self,
        ground: &Ground,
        more: &[(&'static str, String)],
        what: &str,
    ) -> Result<f64, Failure> {
        // Nobody relays them, and the table should be as long in each run.
        self.database.execute("TRUNCATE TABLE outbox").await;
        let mut variables = vec![
            ("USER_SERVICE_DATABASE_URL", self.database.url()),
            ("USER_SERVICE_LISTEN", "127.0.0.1:0"),
            ("USER_SERVICE_PASSWORD_MEMORY_KIB", "64"),
            // All clients have one address.
            ("USER_SERVICE_RATE_PER_ADDRESS", "0"),
            ("USER_SERVICE_RATE_PER_ACCOUNT", "0"),
        ];
        variables.extend(KEYS);
        variables.extend(more.iter().map(|(name, value)| (*name, value.as_str())));
        let process =
            ServiceProcess::start(&ground.folder, "serve", &self.program_name(), "serve", &variables);
        let users = format!("http://{}/users", process.logged_field("address", START_LIMIT).await);
        let mut accounts = Vec::new();
        for _ in 0..self.clients {
            let name = unique_name("client").to_lowercase();
            let body = json!({ "username": name, "email": format!("{name}@example.org"), "fullName": "A" });
            accounts.push(Account::register(&users, body).await);
        }
        let mut clients = JoinSet::new();
        let began = Instant::now();
        for account in accounts {
            clients.spawn(change_names(account, users.clone(), began + self.limit));
        }
        let mut changes = 0_u64;
        while let Some(client) = clients.join_next().await {
            changes += client??;
        }
        let rate = changes as f64 / began.elapsed().as_secs_f64();
        process.stop(STOP_LIMIT).await;
        say(format!("{what}: {changes} changes of names, {rate:.0} a second"));
        Ok(rate)
    }

    fn program_name(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }
}

/// Changes the name again and again until then, and tells how often.
async fn change_names(account: Account, users: String, until: Instant) -> Result<u64, Failure> {
    let mut changes = 0;
    while Instant::now() < until {
        let body = json!({ "fullName": format!("Name {changes}") });
        account.patch(&users, &body).send().await?.error_for_status()?;
        changes += 1;
    }
    Ok(changes)
}
