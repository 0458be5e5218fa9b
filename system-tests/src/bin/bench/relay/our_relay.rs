use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use system_tests::{ServiceProcess, TestDatabase, run_to_end};

use super::ground::{Ground, STOP_LIMIT};
use super::run::{Run, say_repeats, until_on_topic};
use crate::Failure;
use crate::clock::now;
use crate::sampler::Sampler;
use crate::topic::Topic;

const START_LIMIT: Duration = Duration::from_secs(60);

/// By rows of `users`.
const USERS_TABLE: &str = "users-table";

/// By rows of the outbox.
const OUTBOX_BINLOG: &str = "outbox-binlog";

/// `user-service relay`, set as it is by default but for the way of capturing.
pub(crate) struct OurRelay {
    program: PathBuf,
    capture: &'static str,
    database: Arc<TestDatabase>,
    more: Vec<(&'static str, String)>,
}

impl OurRelay {
    /// One that captures the table `users`.
    pub(crate) fn of_users(program: &Path, database: &Arc<TestDatabase>) -> Self {
        Self::new(program, USERS_TABLE, database)
    }

    /// One that captures the outbox.
    pub(crate) fn of_outbox(program: &Path, database: &Arc<TestDatabase>) -> Self {
        Self::new(program, OUTBOX_BINLOG, database)
    }

    /// Makes the tables that it needs.
    fn new(program: &Path, capture: &'static str, database: &Arc<TestDatabase>) -> Self {
        let relay =
            Self { program: program.to_owned(), capture, database: Arc::clone(database), more: Vec::new() };
        run_to_end(&relay.program_name(), "migrate", &[("USER_SERVICE_DATABASE_URL", database.url())]);
        relay
    }

    /// What it is told besides from now on.
    pub(crate) fn is_told(&mut self, more: Vec<(&'static str, String)>) {
        self.more = more;
    }

    /// Starts it, so that it captures what happens from now on.
    pub(crate) async fn begin(&self, ground: &Ground, topic: &Topic) -> ServiceProcess {
        let process = self.start(ground, topic);
        process.logged("following the binary log", START_LIMIT).await;
        process
    }

    /// Stops it when it has published that many events, and notes its place in the log.
    pub(crate) async fn take_a_place(
        &self,
        process: ServiceProcess,
        topic: &Topic,
        events: u64,
    ) -> Result<(), Failure> {
        until_on_topic(topic, events, process.id(), "our relay, taking its place").await?;
        process.stop(STOP_LIMIT).await;
        self.database.execute("CREATE TABLE benchNotedPosition AS SELECT * FROM relayPosition").await;
        Ok(())
    }

    /// Lets the next one begin at the place that was noted.
    pub(crate) async fn go_back(&self) {
        self.database.execute("DELETE FROM relayPosition").await;
        self.database.execute("INSERT INTO relayPosition SELECT * FROM benchNotedPosition").await;
    }

    /// Lets it publish the backlog, from its place on.
    pub(crate) async fn run(&self, ground: &Ground, topic: &Topic, what: &str) -> Result<Run, Failure> {
        let started = now();
        let process = self.start(ground, topic);
        let sampler = Sampler::start(process.id());
        until_on_topic(topic, ground.changes, process.id(), what)
            .await
            .map_err(|failure| format!("{failure}\n{}", process.log_so_far()))?;
        let usage = sampler.finish();
        process.stop(STOP_LIMIT).await;
        say_repeats(topic, ground.changes, what).await?;
        Ok(Run::new(ground.changes, started, topic.first_and_last().await?, &usage))
    }

    fn start(&self, ground: &Ground, topic: &Topic) -> ServiceProcess {
        let broker_url = format!("kafka://{}", ground.servers.brokers);
        let mut variables = vec![
            ("USER_SERVICE_DATABASE_URL", self.database.url()),
            ("USER_SERVICE_BROKER_URL", &broker_url),
            ("USER_SERVICE_TOPIC", topic.name()),
            ("USER_SERVICE_CAPTURE", self.capture),
        ];
        variables.extend(self.more.iter().map(|(name, value)| (*name, value.as_str())));
        ServiceProcess::start(&ground.folder, self.capture, &self.program_name(), "relay", &variables)
    }

    fn program_name(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }
}
