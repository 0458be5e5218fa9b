use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use system_tests::TestDatabase;
use tokio::process::Command;

use crate::Failure;
use crate::cleanup::Cleanup;
use crate::progress::say;
use crate::servers::{Servers, workspace};
use crate::topic::Topic;

/// How long a process may take to stop.
pub(crate) const STOP_LIMIT: Duration = Duration::from_secs(60);

/// What all contestants have in common.
pub(crate) struct Ground {
    pub(crate) servers: Servers,
    /// That with the table `users`.
    pub(crate) database: Arc<TestDatabase>,
    /// Where files go.
    pub(crate) folder: PathBuf,
    /// How many changes there are.
    pub(crate) changes: u64,
    pub(crate) cleanup: Cleanup,
}

impl Ground {
    /// A topic of its own for one run.
    pub(crate) async fn topic(&self, what: &str) -> Result<Topic, Failure> {
        Topic::create(&self.servers.brokers, &format!("bench-{what}"), &self.cleanup).await
    }
}

/// A database that is removed with the cleanup.
pub(crate) async fn make_database(server: &str, what: &str, cleanup: &Cleanup) -> Arc<TestDatabase> {
    let database = Arc::new(TestDatabase::create(server, what).await);
    let doomed = Arc::clone(&database);
    cleanup.add(move || async move { doomed.drop_it().await });
    database
}

/// The program of that name beside this one, as the sources are now.
pub(crate) async fn build_service(name: &str) -> Result<PathBuf, Failure> {
    let this = std::env::current_exe()?;
    let folder = this.parent().ok_or("a program is in a folder")?;
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") => "dev",
        Some(profile) => profile,
        None => return Err("a program is in a folder with a name".into()),
    };
    say(format!("building {name} (profile {profile})"));
    let status = Command::new("cargo")
        .args(["build", "--locked", "--quiet", "-p", name, "--profile", profile])
        .current_dir(workspace())
        .kill_on_drop(true)
        .status()
        .await?;
    if !status.success() {
        return Err(format!("cargo build -p {name}: {status}").into());
    }
    existing(&folder.join(name))
}

/// The absolute path of a program.
pub(crate) fn existing(program: &Path) -> Result<PathBuf, Failure> {
    program.canonicalize().map_err(|error| format!("{}: {error}", program.display()).into())
}
