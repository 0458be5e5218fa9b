use std::path::{Path, PathBuf};
use std::process::Command;

use crate::database::TestDatabase;
use crate::kafka_topic::delete_topics;
use crate::servers::unique_name;

/// A Debezium connector as `debezium/` ships it, in a Kafka Connect of its own (`scripts/debezium`). It is stopped when
/// the value is dropped.
pub struct Connector {
    folder: PathBuf,
    variables: Vec<(&'static str, String)>,
    name: String,
    user: String,
    database: String,
    brokers: String,
}

impl Connector {
    /// Makes the account that the connector reads as, and the connector's configuration: both as they are shipped, but
    /// for the names. It keeps its files in `folder`, and is not started.
    ///
    /// # Panics
    ///
    /// When what is shipped cannot be read, or the database refuses.
    pub async fn prepare(folder: &Path, database: &TestDatabase, brokers: &str, topic: &str) -> Self {
        let (name, user) = (unique_name("connector"), unique_name("dbz"));
        let sql = shipped("capture-user.sql").replace("'debezium'", &format!("'{user}'"));
        let sql = sql.replace("userdata.", &format!("{}.", database.name()));
        let statements: String = sql.lines().filter(|line| !line.starts_with("--")).collect();
        for statement in statements.split_terminator(';') {
            database.execute(statement).await;
        }

        let address = database.url().split(['@', '/']).nth(3).expect("the URL names a host");
        let (host, port) = address.split_once(':').expect("the URL names a port");
        let variables = vec![
            ("DEBEZIUM_DATABASE_HOST", host.to_owned()),
            ("DEBEZIUM_DATABASE_PORT", port.to_owned()),
            ("DEBEZIUM_DATABASE_USER", user.clone()),
            ("DEBEZIUM_DATABASE_PASSWORD", "CHANGE-ME".to_owned()),
            ("DEBEZIUM_KAFKA_BROKERS", brokers.to_owned()),
        ];
        let (database, brokers) = (database.name().to_owned(), brokers.to_owned());
        let connector = Self { folder: folder.to_owned(), variables, name, user, database, brokers };
        connector.route_to(topic);
        connector
    }

    /// Has it write to that topic from its next start on.
    ///
    /// # Panics
    ///
    /// When the folder cannot be written.
    pub fn route_to(&self, topic: &str) {
        let configuration = shipped("connector.json")
            .replace("cdc.inf-user", topic)
            .replace("inf-user", &self.name)
            .replace("userdata", &self.database)
            // No two replicas of one server may have the same id.
            .replace("5701", &std::process::id().to_string());
        std::fs::write(self.folder.join("connector.json"), configuration)
            .expect("the test's folder can be written");
    }

    /// Starts it; when this returns, it follows the binlog, from where it was if it was started before.
    ///
    /// # Panics
    ///
    /// When it does not start, with its log.
    pub fn start(&self) {
        let output = self.start_command().output().expect("the script is there");
        assert!(
            output.status.success(),
            "{}\n{}",
            String::from_utf8_lossy(&output.stderr),
            self.log_so_far()
        );
    }

    /// The command that starts it and ends when it follows the binlog.
    pub fn start_command(&self) -> Command {
        let mut command = self.script("start");
        command
            .arg(self.folder.join("connector.json"))
            .envs(self.variables.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// What it has logged since its last start.
    pub fn log_so_far(&self) -> String {
        std::fs::read_to_string(self.folder.join("debezium.log")).unwrap_or_default()
    }

    /// The id of its process, as soon as it has one.
    pub fn process_id(&self) -> Option<u32> {
        let kept = std::fs::read_to_string(self.folder.join("debezium.pid")).ok()?;
        kept.split_once(' ')?.0.parse().ok()
    }

    /// The file in which it keeps its place in the binlog.
    pub fn offsets_file(&self) -> PathBuf {
        self.folder.join("connect.offsets")
    }

    /// Stops it; it can be started again.
    ///
    /// # Panics
    ///
    /// When it does not stop.
    pub fn stop(&self) {
        let output = self.script("stop").output().expect("the script is there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Stops it and removes its account and its topics.
    ///
    /// # Panics
    ///
    /// When a server refuses.
    pub async fn remove(&self, database: &TestDatabase) {
        self.stop();
        database.execute(&format!("DROP USER '{}'", self.user)).await;
        let topics = [format!("{}.schema-history", self.name), format!("__debezium-heartbeat.{}", self.name)];
        delete_topics(&self.brokers, &topics.each_ref().map(String::as_str)).await;
    }

    fn script(&self, verb: &str) -> Command {
        let mut command = Command::new(root().join("scripts/debezium"));
        command.arg(verb).arg(&self.folder);
        command
    }
}

impl Drop for Connector {
    fn drop(&mut self) {
        // It may be stopped already; then there is nothing to stop.
        let _stopped = self.script("stop").output();
    }
}

fn shipped(file: &str) -> String {
    std::fs::read_to_string(root().join("debezium").join(file)).expect("the file is shipped")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is in the workspace's folder")
}
