//! A relay as a process of its own.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use shared_kernel::CDC_TOPIC;
use table_broker::TableBroker;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::databases::TestDatabase;
use super::people::{person, store};
use super::waiting::SOON;

/// A running `user-service relay`, which is killed when it is dropped, and its broker.
pub(crate) struct Relay {
    process: Child,
    broker: TableBroker,
    _folder: TempDir,
}

impl Relay {
    /// Starts one that captures so, and waits until it has published what it swept and what came then.
    pub(crate) async fn start(database: &Arc<TestDatabase>, capture: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("broker.db");
        let broker = TableBroker::open_sqlite(&file).await.unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_user-service"));
        command
            .args(["relay", "--capture", capture, "--relay-batch", "1000"])
            .env_clear()
            .env("USER_SERVICE_DATABASE_URL", database.on_its_server().0)
            .env("USER_SERVICE_BROKER_URL", format!("table://{}", file.display()))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let relay = Self { process: command.spawn().unwrap(), broker, _folder: folder };
        // The first may come by the sweep; the second comes by the log.
        for name in ["first", "second"] {
            store(&database.users(), [&person(name)]).await;
            emptied(database, SOON).await;
        }
        relay
    }

    /// How many records are on the topic.
    pub(crate) async fn published(&self) -> u64 {
        // Of a group that has read nothing.
        self.broker.lag("nobody", CDC_TOPIC).await.unwrap()
    }

    pub(crate) async fn signal(&self, signal: &str) {
        let pid = self.process.id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().await.unwrap().success());
    }

    /// The most memory that it ever had, in KiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id().unwrap())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }
}

/// Waits until everything is relayed.
pub(crate) async fn emptied(database: &Arc<TestDatabase>, within: Duration) {
    let deadline = Instant::now() + within;
    while database.texts("SELECT CAST(EXISTS (SELECT 1 FROM outbox) AS CHAR)").await[0] == "1" {
        assert!(Instant::now() < deadline, "the outbox is not emptied within {within:?}");
        sleep(Duration::from_millis(50)).await;
    }
}
