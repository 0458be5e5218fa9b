use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

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

    /// Starts one of what `scripts/test-servers` has fetched once, whatever servers a test run was given: a MySQL or a
    /// MariaDB with these options, or a Kafka, whose only option is the port that its clients are told.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn start_here(server: Server, options: &[&str]) -> Self {
        Self::start_fetched(server, options).await
    }

    /// Starts a Kafka 4 with a second port that demands TLS, a certificate and SASL/SCRAM-SHA-512: it shows
    /// `server.pem` of that folder (key and certificate), trusts what `ca.pem` vouches for, and knows that account.
    ///
    /// # Panics
    ///
    /// When it does not start, or the folder's name is no text.
    pub async fn secured_kafka(certificates: &Path, name: &str, password: &str) -> Option<Self> {
        let folder = certificates.to_str().expect("the names of folders are text");
        Self::start_new(Server::Kafka, &[folder, name, password]).await
    }

    /// The port of 127.0.0.1 that demands TLS, a certificate and a password.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn secured_port(&self) -> u16 {
        self.port_in("secure-port")
    }

    async fn start_new(server: Server, options: &[&str]) -> Option<Self> {
        if !server.is_to_be_had_here() {
            return None;
        }
        Some(Self::start_fetched(server, options).await)
    }

    async fn start_fetched(server: Server, options: &[&str]) -> Self {
        let options: Vec<_> = options.iter().map(|option| (*option).to_owned()).collect();
        let mut attempt = 1;
        loop {
            let folder = tempfile::tempdir().expect("the folder for temporary files can be written");
            let mut own = Self { server, options: options.clone(), folder, process: None };
            if own.try_to_start().await {
                return own;
            }
            assert!(
                attempt < ATTEMPTS,
                "it does not start (`scripts/test-servers start DIR` fetches it): {}",
                own.what_it_said()
            );
            attempt += 1;
        }
    }

    /// Where it is: a URL without a database, or `host:port` of a broker.
    pub fn address(&self) -> String {
        match self.server {
            Server::MySql | Server::MariaDb => format!("mysql://root@127.0.0.1:{}", self.port()),
            _ => format!("127.0.0.1:{}", self.port()),
        }
    }

    /// The port of 127.0.0.1 that it listens at, the same after every start.
    ///
    /// # Panics
    ///
    /// When it was never started.
    pub fn port(&self) -> u16 {
        self.port_in("port")
    }

    fn port_in(&self, name: &str) -> u16 {
        let file = self.folder.path().join(self.name()).join(name);
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

    /// Asks it to stop (SIGTERM); returns when it has, or, after that time, when it was killed.
    ///
    /// # Panics
    ///
    /// When it had ended before.
    pub async fn shut_down(&mut self, limit: Duration) {
        let mut process = self.process.take().expect("a server is stopped once after each start");
        // It may have ended already; then there is nothing to stop and only to reap.
        let _sent = Command::new("kill").arg(process.id().to_string()).status();
        let deadline = Instant::now() + limit;
        while process.try_wait().is_ok_and(|ended| ended.is_none()) && Instant::now() < deadline {
            sleep(Duration::from_millis(50)).await;
        }
        end(&mut process);
    }

    /// Copies what it has logged since its last start.
    ///
    /// # Panics
    ///
    /// When the file cannot be written.
    pub fn copy_log(&self, to: &Path) {
        std::fs::copy(self.log(), to).expect("the folder of logs can be written");
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

    /// What it is called in the names of files.
    pub(crate) fn name(&self) -> &'static str {
        match self.server {
            Server::MySql => "mysql",
            Server::MariaDb => "mariadb",
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
    let line = if name == "kafka" { "Kafka Server started" } else { "ready for connections" };
    std::fs::read_to_string(log).is_ok_and(|log| log.contains(line))
}

fn script() -> PathBuf {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is in the workspace's folder");
    root.join("scripts/own-server")
}
