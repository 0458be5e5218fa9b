//! The three processes of a deployment, configured by environment variables alone.

use std::time::Duration;

use system_tests::{KafkaTopic, Server, ServiceProcess, SmtpSink, TestDatabase, run_to_end};
use tempfile::TempDir;

/// What a deployment runs, in this order. The README's section on production says the same.
pub(crate) const COMMANDS: [(&str, &str); 5] = [
    ("user-service", "migrate"),
    ("notifier-service", "migrate"),
    ("user-service", "serve"),
    ("user-service", "relay"),
    ("notifier-service", "run"),
];

/// What a deployment must be told. The README's section on production says the same.
pub(crate) const VARIABLES: [&str; 7] = [
    "USER_SERVICE_DATABASE_URL",
    "USER_SERVICE_BROKER_URL",
    "USER_SERVICE_LISTEN",
    "NOTIFIER_DATABASE_URL",
    "NOTIFIER_BROKER_URL",
    "NOTIFIER_SMTP_URL",
    "NOTIFIER_MAIL_FROM",
];

const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(30);

pub(super) struct Deployment {
    pub(super) users: String,
    pub(super) sink: SmtpSink,
    pub(super) topic: KafkaTopic,
    pub(super) brokers: String,
    pub(super) userdata: TestDatabase,
    pub(super) notifier: TestDatabase,
    processes: Vec<ServiceProcess>,
    _folder: TempDir,
}

impl Deployment {
    /// Migrates, starts and waits until the API answers. `None` when a server cannot be had.
    pub(super) async fn start(what: &str) -> Option<Self> {
        let (mysql, brokers) = (Server::MySql.address()?, Server::Kafka.address()?);
        let (sink, topic) = (SmtpSink::start().await, KafkaTopic::named(&brokers, what));
        let userdata = TestDatabase::create(&mysql, "userdata").await;
        let notifier = TestDatabase::create(&mysql, "notifier").await;
        let folder = tempfile::tempdir().unwrap();
        let broker_url = format!("kafka://{brokers}");
        let smtp_url = sink.url();

        let values = [
            userdata.url(),
            &broker_url,
            "127.0.0.1:0",
            notifier.url(),
            &broker_url,
            &smtp_url,
            "accounts@inf-user.example",
        ];
        let mut variables: Vec<_> = VARIABLES.into_iter().zip(values).collect();
        // Of the test's own: names that nobody else uses, and hashes that cost little.
        variables.extend([
            ("USER_SERVICE_TOPIC", topic.name()),
            ("USER_SERVICE_PASSWORD_MEMORY_KIB", "64"),
            ("NOTIFIER_TOPIC", topic.name()),
            ("NOTIFIER_CONSUMER_GROUP", topic.name()),
        ]);
        let mut processes = Vec::new();
        for (binary, command) in COMMANDS {
            if command == "migrate" {
                run_to_end(binary, command, &variables);
            } else {
                processes.push(ServiceProcess::start(folder.path(), command, binary, command, &variables));
            }
        }
        let line = processes[0].logged("address=", START_LIMIT).await;
        let address = line.split("address=").nth(1).unwrap();
        Some(Self {
            users: format!("http://{address}/users"),
            sink,
            topic,
            brokers,
            userdata,
            notifier,
            processes,
            _folder: folder,
        })
    }

    /// Stops everything, each by SIGTERM, and removes what was made.
    pub(super) async fn stop(self) {
        for process in self.processes {
            process.stop(STOP_LIMIT).await;
        }
        self.topic.delete().await;
        self.userdata.drop_it().await;
        self.notifier.drop_it().await;
    }
}
