use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use system_tests::Connector;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use super::ground::Ground;
use super::run::{Run, exactly_on_topic, until_on_topic};
use crate::Failure;
use crate::clock::now;
use crate::sampler::Sampler;
use crate::topic::Topic;

const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// How a Java machine is set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Java {
    pub(super) name: &'static str,
    pub(super) options: &'static str,
}

/// What Kafka's own scripts give Kafka Connect (`connect-standalone.sh`, `kafka-run-class.sh`).
pub(super) const AS_SHIPPED: Java = Java {
    name: "Debezium, as Kafka's scripts start it",
    options: "-Xms256M -Xmx2G -server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 \
              -XX:+ExplicitGCInvokesConcurrent -XX:MaxInlineLevel=15",
};

/// As thrifty as it gets: the collector that takes the least of two processors, and a heap that is just enough.
pub(super) const THRIFTY: Java = Java {
    name: "Debezium, in a heap of 256 MiB",
    options: "-Xms64M -Xmx256M -server -XX:+UseSerialGC -XX:MaxInlineLevel=15",
};

/// The real connector, as `debezium/` configures it.
pub(super) struct Debezium {
    connector: Arc<Connector>,
}

impl Debezium {
    /// Makes its account and its configuration.
    pub(super) async fn prepare(ground: &Ground, topic: &Topic) -> Self {
        let (folder, brokers) = (&ground.folder, &ground.servers.brokers);
        let connector = Arc::new(Connector::prepare(folder, &ground.database, brokers, topic.name()).await);
        let (doomed, database) = (Arc::clone(&connector), Arc::clone(&ground.database));
        ground.cleanup.add(move || async move { doomed.remove(&database).await });
        Self { connector }
    }

    /// Starts it, so that it captures what happens from now on.
    pub(super) async fn begin(&self, ground: &Ground) -> Result<(), Failure> {
        let status = self.start(ground, THRIFTY)?.wait().await?;
        if status.success() { Ok(()) } else { Err(self.failed("it did not start")) }
    }

    /// Stops it when it has published that many events, and notes its place in the log.
    pub(super) async fn take_a_place(&self, topic: &Topic, events: u64) -> Result<(), Failure> {
        let process = self.connector.process_id().ok_or("Debezium has no process")?;
        until_on_topic(topic, events, process, "Debezium, taking its place").await?;
        self.connector.stop();
        let place = self.connector.offsets_file();
        std::fs::copy(&place, place.with_extension("noted"))?;
        Ok(())
    }

    /// Lets it publish the backlog, from the place that it took.
    pub(super) async fn run(
        &self,
        ground: &Ground,
        topic: &Topic,
        java: Java,
        what: &str,
    ) -> Result<Run, Failure> {
        let place = self.connector.offsets_file();
        std::fs::copy(place.with_extension("noted"), &place)?;
        self.connector.route_to(topic.name());
        let started = now();
        // It is at work before its start is over.
        let mut script = self.start(ground, java)?;
        let process = loop {
            match self.connector.process_id() {
                Some(process) => break process,
                None if script.try_wait()?.is_some() => return Err(self.failed("it did not start")),
                None => sleep(LOOK_INTERVAL).await,
            }
        };
        let sampler = Sampler::start(process);
        until_on_topic(topic, ground.changes, process, what)
            .await
            .map_err(|failure| self.failed(&failure.to_string()))?;
        let usage = sampler.finish();
        script.wait().await?;
        self.connector.stop();
        exactly_on_topic(topic, ground.changes, what).await?;
        Ok(Run::new(ground.changes, started, topic.first_and_last().await?, &usage))
    }

    fn start(&self, ground: &Ground, java: Java) -> Result<Child, Failure> {
        let mut command = Command::from(self.connector.start_command());
        command
            .env("TEST_DEBEZIUM", &ground.servers.debezium)
            .env("DEBEZIUM_JAVA_OPTIONS", java.options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        Ok(command.spawn()?)
    }

    fn failed(&self, how: &str) -> Failure {
        format!("Debezium: {how}\n{}", self.connector.log_so_far()).into()
    }
}
