use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use tempfile::TempDir;

use crate::servers::Server;
use crate::wait::eventually;

/// How long a server may take to start; generous, because a machine may be busy with other tests.
const START_LIMIT: Duration = Duration::from_secs(60);

/// For the first start, at which the server may find its port taken by another.
const ATTEMPTS: usize = 2;

/// A server of a test's own on this machine, which the test may kill and start again (`scripts/own-server`). It is
/// killed (SIGKILL) and its data removed when the value is dropped.
pub struct OwnServer {
    server: Server,
    options: Vec<String>,
    folder: TempDir,
    process: Option<Child>,
}

impl OwnServer {
    /// Starts a MySQL 9 with these options beside those that `scripts/test-servers` gives to one: GTIDs and row events
    /// are on. `None`, and a line that says why, when it cannot be had.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn mysql(options: &[&str]) -> Option<Self> {
        Self::start_new(Server::MySql, options).await
    }

    /// Starts a Kafka 4.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn kafka() -> Option<Self> {
        Self::start_new(Server::Kafka, &[]).await
    }

    async fn start_new(server: Server, options: &[&str]) -> Option<Self> {
        if !server.is_to_be_had_here() {
            return None;
        }
        let options: Vec<_> = options.iter().map(|option| (*option).to_owned()).collect();
        for attempt in 1.. {
            let folder = tempfile::tempdir().expect("the folder for temporary files can be written");
            let mut own = Self { server, options: options.clone(), folder, process: None };
            if own.try_to_start().await {
                return Some(own);
            }
            assert!(attempt < ATTEMPTS, "it does not start: {}", own.what_it_said());
        }
        None
    }

    /// Where it is: a URL without a database, or `host:port` of a broker.
    pub fn address(&self) -> String {
        match self.server {
            Server::MySql => format!("mysql://root@127.0.0.1:{}", self.port()),
            _ => format!("127.0.0.1:{}", self.port()),
        }
    }

    /// The port of 127.0.0.1 that it listens at, the same after every start.
    ///
    /// # Panics
    ///
    /// When it was never started.
    pub fn port(&self) -> u16 {
        let file = self.folder.path().join(self.name()).join("port");
        let port = std::fs::read_to_string(file).expect("a server that was started has a port");
        port.trim().parse().expect("a port is a number")
    }

    /// Kills it (SIGKILL); returns when it is dead.
    ///
    /// # Panics
    ///
    /// When it had ended before.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("a server is killed once after each start");
        let ended = process.try_wait().expect("it is a child of this process");
        assert!(ended.is_none(), "it had ended by itself: {}", self.what_it_said());
        end(&mut process);
    }

    /// Starts it again, with the data and at the port that it had when it was killed.
    ///
    /// # Panics
    ///
    /// When it does not start, with what it logged.
    pub async fn start_again(&mut self) {
        assert!(self.process.is_none(), "it runs");
        assert!(self.try_to_start().await, "it does not start again: {}", self.what_it_said());
    }

    /// Stops it in the middle of what it does (SIGSTOP), until [`thaw`](Self::thaw): its connections stay open, and nothing
    /// is answered.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let process = self.process.as_ref().expect("it was started");
        let sent = Command::new("kill").args(["-s", name, &process.id().to_string()]).status();
        assert!(sent.expect("`kill` is there").success(), "it runs");
    }

    /// Whether it was ready in the end, and did not end before.
    async fn try_to_start(&mut self) -> bool {
        let log = File::create(self.log()).expect("the test's folder can be written");
        let process = Command::new(script())
            .arg(self.name())
            .arg(self.folder.path())
            .args(&self.options)
            .stdout(log.try_clone().expect("a file can be written by two"))
            .stderr(log)
            .spawn()
            .expect("the script is there");
        let (name, log) = (self.name(), self.log());
        let process = self.process.insert(process);
        let mut ready = false;
        eventually(&format!("{name} is ready or ends, see {}", log.display()), START_LIMIT, || {
            let ended = process.try_wait().expect("it is a child of this process").is_some();
            ready = !ended && says_it_is_ready(name, &log);
            let done = ended || ready;
            async move { done }
        })
        .await;
        ready
    }

    fn name(&self) -> &'static str {
        match self.server {
            Server::MySql => "mysql",
            _ => "kafka",
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join(format!("{}.log", self.name()))
    }

    fn what_it_said(&self) -> String {
        let setup = self.folder.path().join(format!("{}-setup.log", self.name()));
        let said = [setup, self.log()].map(|file| std::fs::read_to_string(file).unwrap_or_default());
        said.concat()
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            end(process);
        }
    }
}

fn end(process: &mut Child) {
    // It may have ended already; then there is nothing to kill and only to reap.
    let _ended = process.kill();
    let _reaped = process.wait();
}

fn says_it_is_ready(name: &str, log: &Path) -> bool {
    let line = if name == "mysql" { "ready for connections" } else { "Kafka Server started" };
    std::fs::read_to_string(log).is_ok_and(|log| log.contains(line))
}

fn script() -> PathBuf {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is in the workspace's folder");
    root.join("scripts/own-server")
}
