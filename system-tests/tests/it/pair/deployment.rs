//! The three processes of a deployment, configured by environment variables alone.

use std::time::Duration;

use system_tests::{KafkaTopic, Server, ServiceProcess, SmtpSink, TestDatabase, eventually, run_to_end};
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
pub(crate) const VARIABLES: [&str; 11] = [
    "USER_SERVICE_DATABASE_URL",
    "USER_SERVICE_BROKER_URL",
    "USER_SERVICE_LISTEN",
    "USER_SERVICE_SESSION_KEY_FILE",
    "USER_SERVICE_ACTION_TOKEN_KEY_FILE",
    "NOTIFIER_DATABASE_URL",
    "NOTIFIER_BROKER_URL",
    "NOTIFIER_SMTP_URL",
    "NOTIFIER_MAIL_FROM",
    "NOTIFIER_PUBLIC_URL",
    "NOTIFIER_ACTION_TOKEN_KEY_FILE",
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
    variables: Vec<(&'static str, String)>,
    processes: Vec<(&'static str, &'static str, ServiceProcess)>,
    starts: usize,
    folder: TempDir,
}

/// The servers that a deployment uses: URLs without a database, and the brokers' addresses.
pub(super) struct Servers {
    pub(super) userdata: String,
    pub(super) notifier: String,
    pub(super) brokers: String,
}

impl Deployment {
    /// Migrates, starts and waits until the API answers. `None` when a server cannot be had.
    pub(super) async fn start(what: &str) -> Option<Self> {
        Self::start_with(what, &[]).await
    }

    /// As [`start`](Self::start), told something more.
    pub(super) async fn start_with(what: &str, more: &[(&'static str, &str)]) -> Option<Self> {
        let (mysql, brokers) = (Server::MySql.address()?, Server::Kafka.address()?);
        let servers = Servers { userdata: mysql.clone(), notifier: mysql, brokers };
        Some(Self::start_on(what, servers, more).await)
    }

    /// As [`start_with`](Self::start_with), on these servers.
    pub(super) async fn start_on(what: &str, servers: Servers, more: &[(&'static str, &str)]) -> Self {
        let Servers { userdata, notifier, brokers } = servers;
        let (sink, topic) = (SmtpSink::start().await, KafkaTopic::named(&brokers, what));
        let userdata = TestDatabase::create(&userdata, "userdata").await;
        let notifier = TestDatabase::create(&notifier, "notifier").await;
        let folder = tempfile::tempdir().unwrap();
        let broker_url = format!("kafka://{brokers}");
        let smtp_url = sink.url();
        let key_file = |name: &str, digits: &str| {
            let file = folder.path().join(name);
            std::fs::write(&file, digits.repeat(4)).unwrap();
            file.to_str().unwrap().to_owned()
        };
        let session_key = key_file("session.key", "fedcba9876543210");
        let action_token_key = key_file("action-token.key", "0123456789abcdef");

        let values = [
            userdata.url().to_owned(),
            broker_url.clone(),
            "127.0.0.1:0".to_owned(),
            session_key,
            action_token_key.clone(),
            notifier.url().to_owned(),
            broker_url,
            smtp_url,
            "accounts@inf-user.example".to_owned(),
            "https://accounts.inf-user.example".to_owned(),
            action_token_key,
        ];
        let mut variables: Vec<_> = VARIABLES.into_iter().zip(values).collect();
        // Of the test's own: names that nobody else uses, hashes that cost little, and leases that do not keep
        // what a killed process had in hand for long.
        variables.extend([
            ("USER_SERVICE_TOPIC", topic.name().to_owned()),
            ("USER_SERVICE_PASSWORD_MEMORY_KIB", "64".to_owned()),
            // All the clients have one address.
            ("USER_SERVICE_RATE_PER_ADDRESS", "0".to_owned()),
            ("USER_SERVICE_RATE_PER_ACCOUNT", "0".to_owned()),
            ("NOTIFIER_TOPIC", topic.name().to_owned()),
            ("NOTIFIER_CONSUMER_GROUP", topic.name().to_owned()),
            ("NOTIFIER_SMTP_TIMEOUT_SECONDS", "5".to_owned()),
            ("NOTIFIER_LEASE_SECONDS", "12".to_owned()),
        ]);
        variables.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let mut deployment = Self {
            users: String::new(),
            sink,
            topic,
            brokers,
            userdata,
            notifier,
            variables,
            processes: Vec::new(),
            starts: 0,
            folder,
        };
        for (binary, command) in COMMANDS {
            if command == "migrate" {
                run_to_end(binary, command, &deployment.variables());
            } else {
                deployment.start_process(binary, command).await;
            }
        }
        deployment
    }

    /// What each of its processes is told.
    pub(super) fn variables(&self) -> Vec<(&str, &str)> {
        self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    async fn start_process(&mut self, binary: &'static str, command: &'static str) {
        self.starts += 1;
        let log = format!("{command}-{}", self.starts);
        let process = ServiceProcess::start(self.folder.path(), &log, binary, command, &self.variables());
        if command == "serve" {
            let address = process.logged_field("address", START_LIMIT).await;
            self.users = format!("http://{address}/users");
        }
        self.processes.push((binary, command, process));
    }

    /// All that the processes have logged.
    pub(super) fn logs(&self) -> String {
        self.processes.iter().map(|(_, _, process)| process.log_so_far()).collect()
    }

    /// Where the first process of that command answers probes, as a URL without a path.
    pub(super) async fn probes_of(&self, command: &str) -> String {
        let line = self.process(command).logged("answering probes", START_LIMIT).await;
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        format!("http://{}", line["address"].as_str().unwrap())
    }

    /// The first process of that command.
    pub(super) fn process(&self, command: &str) -> &ServiceProcess {
        &self.processes[self.place_of(command)].2
    }

    /// Stops (SIGTERM) the first process of that command.
    pub(super) async fn stop_command(&mut self, command: &str) {
        let place = self.place_of(command);
        self.processes.remove(place).2.stop(STOP_LIMIT).await;
    }

    /// Kills (SIGKILL) the first process of that command.
    pub(super) fn kill_command(&mut self, command: &str) {
        let place = self.place_of(command);
        drop(self.processes.remove(place));
    }

    fn place_of(&self, command: &str) -> usize {
        self.processes.iter().position(|(_, running, _)| *running == command).unwrap()
    }

    /// Sets one more variable, for what is started from now on.
    pub(super) fn set(&mut self, name: &'static str, value: &str) {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.to_owned()));
    }

    /// Starts a relay, the only one or another one.
    pub(super) async fn start_relay(&mut self) {
        self.start_process("user-service", "relay").await;
    }

    /// Waits until the notifier has read the whole topic and sent all that it asks for.
    pub(super) async fn all_is_mailed(&self, limit: Duration) {
        eventually("the topic is read", limit, || async { self.topic.lag(self.topic.name()) == Some(0) })
            .await;
        eventually("nothing is queued", limit, || async {
            self.notifier.count("notifications WHERE state = 'queued'").await == 0
        })
        .await;
    }

    /// Kills (SIGKILL) the process that was started longest ago, and starts it again.
    pub(super) async fn kill_and_restart_the_oldest(&mut self) {
        let (binary, command, killed) = self.processes.remove(0);
        drop(killed);
        self.start_process(binary, command).await;
    }

    /// Stops everything, each by SIGTERM, and removes what was made.
    pub(super) async fn stop(self) {
        for (_, _, process) in self.processes {
            process.stop(STOP_LIMIT).await;
        }
        self.topic.delete().await;
        self.userdata.drop_it().await;
        self.notifier.drop_it().await;
    }
}
