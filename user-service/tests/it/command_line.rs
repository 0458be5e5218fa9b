//! The built binary: its settings, what stops its start, and how it stops.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use shared_kernel::{CDC_TOPIC, EventType, WireRecord, decode};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use table_broker::TableBroker;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

use crate::support::waiting::{soon, until};

/// A password, and what else must not be printed.
const SECRET: &str = "s3cr3t-w0rd-of-the-tests";

/// What `serve` needs beside a database.
const KEYS: [(&str, &str); 2] = [
    ("USER_SERVICE_SESSION_KEY", "session-key-of-the-tests-0123456789"),
    ("USER_SERVICE_ACTION_TOKEN_KEY", "action-key-of-the-tests-0123456789"),
];

const COMMANDS: [&str; 6] = ["serve", "relay", "migrate", "doctor", "create-admin", "healthcheck"];

/// Arguments and environment of a start that must fail, and what its error must say.
type BadStart<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a [&'a str]);

/// The program with no settings but those given.
fn program(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_user-service"));
    command.args(arguments).env_clear().envs(environment.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    soon("the program ending", program(arguments, environment).output()).await.unwrap()
}

/// The start must fail; what it said.
async fn refusal(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = run(arguments, &[&KEYS, environment].concat()).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{arguments:?} {environment:?}: {said}");
    assert!(output.stdout.is_empty(), "{:?}", output.stdout);
    said
}

/// Databases in a folder of their own.
struct Files {
    folder: TempDir,
    database: String,
    broker: String,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (database, broker) =
            (format!("sqlite://{}", at("users.db")), format!("table://{}", at("broker.db")));
        Self { folder, database, broker }
    }

    async fn migrated() -> Self {
        let files = Self::new();
        let output = run(
            &["migrate"],
            &[("USER_SERVICE_DATABASE_URL", &files.database), ("USER_SERVICE_BROKER_URL", &files.broker)],
        )
        .await;
        assert!(output.status.success(), "{output:?}");
        files
    }

    fn broker_file(&self) -> &Path {
        Path::new(self.broker.strip_prefix("table://").unwrap())
    }

    async fn serve(&self) -> Service {
        Service::start(&[
            ("USER_SERVICE_DATABASE_URL", &self.database),
            ("USER_SERVICE_SERVE_RELAY_BROKER_URL", &self.broker),
        ])
        .await
    }

    /// The types of the events that are on the topic. One may be there twice when the relay was stopped
    /// between publishing and acknowledging it; it counts once, as it does for consumers.
    async fn published(&self) -> Vec<EventType> {
        let broker = TableBroker::open_sqlite(self.broker_file()).await.unwrap();
        let (mut types, mut seen) = (Vec::new(), BTreeSet::new());
        for partition in 0..shared_kernel::CDC_PARTITIONS {
            for record in broker.records(CDC_TOPIC, partition, 0, 1000).await.unwrap() {
                let wire = WireRecord { key: record.key, value: record.value, headers: record.headers };
                let metadata = decode(&wire).unwrap().metadata;
                if seen.insert(metadata.id) {
                    types.push(metadata.event_type);
                }
            }
        }
        broker.close().await;
        types
    }
}

/// A running `user-service serve`.
struct Service {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
    address: SocketAddr,
}

impl Service {
    async fn start(environment: &[(&str, &str)]) -> Self {
        let of_all = [("USER_SERVICE_LISTEN", "127.0.0.1:0"), ("USER_SERVICE_PASSWORD_MEMORY_KIB", "64")];
        let environment = [environment, &KEYS, &of_all].concat();
        let mut child = program(&["serve"], &environment).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = soon("the service serving", async {
            let mut said = Vec::new();
            while let Some(line) = log.next_line().await.unwrap() {
                if let Ok(Some(address)) =
                    serde_json::from_str::<Value>(&line).as_ref().map(|line| line["address"].as_str())
                {
                    return address.parse().unwrap();
                }
                said.push(line);
            }
            panic!("it ended: {said:#?}");
        })
        .await;
        Self { child, log, address }
    }

    async fn register(&self, name: &str) -> reqwest::Response {
        let body = json!({"username": name, "email": format!("{name}@example.org"), "password": SECRET});
        reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .post(format!("http://{}/users", self.address))
            .json(&body)
            .send()
            .await
            .unwrap()
    }

    /// Signals it and waits, for five seconds at most. Returns also what it logged.
    async fn stop(mut self, signal: &str) -> (ExitStatus, String) {
        let pid = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().await.unwrap();
        assert!(sent.success());
        let ended = timeout(Duration::from_secs(5), self.child.wait()).await;
        let status = ended.expect("it stops within five seconds").unwrap();
        let mut said = String::new();
        while let Some(line) = self.log.next_line().await.unwrap() {
            said.push_str(&line);
            said.push('\n');
        }
        (status, said)
    }
}

#[tokio::test]
async fn a_bad_setting_stops_the_start_by_its_name_and_no_secret_is_printed() {
    let no_file = format!("/nowhere/{SECRET}");
    let database = ("USER_SERVICE_DATABASE_URL", "sqlite:///nowhere/users.db");
    let postgres = format!("postgres://user:{SECRET}@localhost/db");
    let no_database = format!("mysql://user:{SECRET}@localhost:3306");
    let bad_port = format!("mysql://user:{SECRET}@localhost:port/db");
    let cases: &[BadStart<'_>] = &[
        (&["serve"], &[], &["--database-url", "USER_SERVICE_DATABASE_URL"]),
        (&["migrate"], &[], &["--database-url", "USER_SERVICE_DATABASE_URL"]),
        (
            &["serve"],
            &[("USER_SERVICE_DATABASE_URL", &postgres)],
            &["--database-url", "mysql://", "sqlite://"],
        ),
        (&["serve", "--database-url", &postgres], &[], &["--database-url", "mysql://", "sqlite://"]),
        (
            &["serve"],
            &[("USER_SERVICE_DATABASE_URL", &bad_port), ("USER_SERVICE_LISTEN", "127.0.0.1:0")],
            &["database-url"],
        ),
        (
            &["migrate"],
            &[("USER_SERVICE_DATABASE_URL", &no_database)],
            &["database-url", "names no database"],
        ),
        (
            &["serve"],
            &[("USER_SERVICE_DATABASE_URL_FILE", "/nowhere/url")],
            &["--database-url-file", "/nowhere/url"],
        ),
        (
            &["migrate"],
            &[("USER_SERVICE_DATABASE_URL_FILE", &no_file), database],
            &["--database-url", "--database-url-file"],
        ),
        (&["serve", "--listen", "here"], &[database], &["--listen", "here"]),
        (&["serve"], &[database, ("USER_SERVICE_LISTEN", "8080")], &["--listen", "8080"]),
        (&["serve"], &[database, ("USER_SERVICE_MAX_CONNECTIONS", "0")], &["--max-connections", "1..=1000"]),
        (&["serve"], &[database, ("USER_SERVICE_RELAY_BATCH", "0")], &["--relay-batch", "1..=10000"]),
        (&["serve"], &[database, ("USER_SERVICE_RELAY_POLL_MS", "often")], &["--relay-poll-ms"]),
        (
            &["serve"],
            &[database, ("USER_SERVICE_CAPTURE", "users")],
            &["--capture", "outbox-polled", "outbox-binlog"],
        ),
        (&["serve"], &[database, ("USER_SERVICE_PASSWORD_MEMORY_KIB", "much")], &["--password-memory-kib"]),
        (&["serve"], &[database, ("USER_SERVICE_PASSWORD_ITERATIONS", "0")], &["--password-iterations"]),
        (
            &["serve"],
            &[database, ("USER_SERVICE_SERVE_RELAY_BROKER_URL", "nats://x")],
            &["--relay-broker-url", "kafka://", "table://"],
        ),
        (&["serve"], &[database, ("USER_SERVICE_LOG", "a=b=c")], &["--log", "USER_SERVICE_LOG"]),
        (
            &["serve"],
            &[database, ("USER_SERVICE_LOG_FORMAT", "xml")],
            &["--log-format", "auto, json or human"],
        ),
        (
            &["serve"],
            &[database, ("USER_SERVICE_SESSION_KEY", SECRET)],
            &["--session-key", "USER_SERVICE_SESSION_KEY", "at least 32 characters"],
        ),
        (
            &["serve"],
            &[database, ("USER_SERVICE_ACTION_TOKEN_KEY", "")],
            &["--action-token-key", "USER_SERVICE_ACTION_TOKEN_KEY"],
        ),
        (&["serve"], &[database, ("USER_SERVICE_PASSWORD_SCORE", "5")], &["--password-score", "0..=4"]),
        (&["serve"], &[database, ("USER_SERVICE_RATE_PER_ADDRESS", "-1")], &["--rate-per-address"]),
        (
            &["serve"],
            &[database, ("USER_SERVICE_TRUSTED_PROXIES", "10.0.0.0/8,proxy")],
            &["--trusted-proxies", "USER_SERVICE_TRUSTED_PROXIES", "10.0.0.0/8"],
        ),
        (
            &["serve"],
            &[database, ("USER_SERVICE_CORS_ORIGINS", "app.example.org")],
            &["--cors-origins", "USER_SERVICE_CORS_ORIGINS", "https://"],
        ),
        (&["create-admin", "--username", "root"], &[database], &["--email"]),
        (
            &["create-admin", "--username", "no name", "--email", "root@example.org"],
            &[database],
            &["--username", "a-z"],
        ),
        (
            &["create-admin", "--username", "root", "--email", "root"],
            &[database],
            &["--email", "ada@example.org"],
        ),
        (
            &[
                "create-admin",
                "--username",
                "root",
                "--email",
                "root@example.org",
                "--password-file",
                "/nowhere",
            ],
            &[database],
            &["--password-file", "/nowhere"],
        ),
        (&["relay"], &[database], &["--broker-url"]),
        (
            &["relay"],
            &[database, ("USER_SERVICE_BROKER_URL", "localhost:9092")],
            &["--broker-url", "USER_SERVICE_BROKER_URL"],
        ),
        (
            &["migrate"],
            &[database, ("USER_SERVICE_BROKER_URL", "kafka://")],
            &["--broker-url", "kafka://HOST:PORT"],
        ),
        (&["serve", "--database"], &[], &["--database"]),
        (&["dance"], &[], &["dance"]),
    ];
    for (arguments, environment, told) in cases {
        let said = refusal(arguments, environment).await;
        for words in *told {
            assert!(said.contains(words), "{arguments:?} {environment:?} does not say {words}: {said}");
        }
        if !environment.iter().any(|(name, _)| *name == "USER_SERVICE_DATABASE_URL_FILE") {
            assert!(!said.contains(SECRET), "{arguments:?} {environment:?}: {said}");
        }
    }
}

#[tokio::test]
async fn a_cost_of_passwords_that_argon2_does_not_allow_is_named() {
    let files = Files::migrated().await;
    let said = refusal(
        &["serve", "--listen", "127.0.0.1:0", "--password-memory-kib", "1"],
        &[("USER_SERVICE_DATABASE_URL", &files.database)],
    )
    .await;
    assert!(said.contains("password-memory-kib"), "{said}");
}

#[tokio::test]
async fn a_database_server_that_cannot_be_used_is_named_without_its_password() {
    // A port that nobody listens on: taken and given back.
    let port = StdTcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("mysql://user:{SECRET}@127.0.0.1:{port}/db");
    let said = refusal(&["serve", "--listen", "127.0.0.1:0"], &[("USER_SERVICE_DATABASE_URL", &url)]).await;
    assert!(said.contains("database-url") && !said.contains(SECRET), "{said}");
    assert!(said.contains("refused"), "the cause is told: {said}");
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_the_address_and_the_flag() {
    let taken = StdTcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let files = Files::migrated().await;
    let said =
        refusal(&["serve", "--listen", &address], &[("USER_SERVICE_DATABASE_URL", &files.database)]).await;
    assert!(
        said.contains("--listen") && said.contains("USER_SERVICE_LISTEN") && said.contains(&address),
        "{said}"
    );
}

#[tokio::test]
async fn help_lists_every_setting_with_its_environment_variable() {
    let source = [
        include_str!("../../src/cli.rs"),
        include_str!("../../src/cli/access.rs"),
        include_str!("../../src/cli/broker.rs"),
        include_str!("../../src/cli/create_admin.rs"),
        include_str!("../../src/cli/database.rs"),
        include_str!("../../src/cli/healthcheck.rs"),
        include_str!("../../src/cli/keys.rs"),
        include_str!("../../src/cli/passwords.rs"),
        include_str!("../../src/cli/relay.rs"),
        include_str!("../../src/cli/serve.rs"),
    ]
    .concat();
    let declared: Vec<&str> =
        source.split("env = \"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(declared.len() > 25, "{declared:?}");
    let mut help = String::new();
    for command in COMMANDS {
        let secret = format!("mysql://user:{SECRET}@h/db");
        let output = run(&[command, "--help"], &[("USER_SERVICE_DATABASE_URL", &secret)]).await;
        assert!(output.status.success(), "{output:?}");
        help.push_str(std::str::from_utf8(&output.stdout).unwrap());
    }
    for variable in declared {
        assert!(help.contains(&format!("[env: {variable}")), "{variable}: {help}");
    }
    assert!(!help.contains(SECRET), "{help}");
    let overview = run(&["--help"], &[]).await;
    let overview = String::from_utf8(overview.stdout).unwrap();
    assert!(COMMANDS.iter().all(|command| overview.contains(command)), "{overview}");
}

#[tokio::test]
async fn a_database_that_is_not_migrated_says_what_to_run() {
    let files = Files::new();
    let password = files.folder.path().join("password");
    std::fs::write(&password, SECRET).unwrap();
    let create_admin = [
        "create-admin",
        "--username",
        "root",
        "--email",
        "root@example.org",
        "--password-file",
        password.to_str().unwrap(),
    ];
    for arguments in [&["serve"][..], &["relay"], &create_admin] {
        let said = refusal(
            arguments,
            &[
                ("USER_SERVICE_DATABASE_URL", &files.database),
                ("USER_SERVICE_BROKER_URL", &files.broker),
                ("USER_SERVICE_LISTEN", "127.0.0.1:0"),
            ],
        )
        .await;
        assert!(said.contains("user-service migrate"), "{said}");
    }
}

#[tokio::test]
async fn the_databases_url_may_come_from_a_file() {
    let files = Files::new();
    let url_file = files.folder.path().join("url");
    std::fs::write(&url_file, format!("{}\n", files.database)).unwrap();
    let environment = [("USER_SERVICE_DATABASE_URL_FILE", url_file.to_str().unwrap())];
    let output = run(&["migrate"], &environment).await;
    assert!(output.status.success(), "{output:?}");
    let again = run(&["migrate"], &environment).await;
    assert!(again.status.success(), "{again:?}");
}

#[tokio::test]
async fn a_change_goes_from_the_api_to_the_topic_and_a_signal_stops_the_service() {
    let files = Files::migrated().await;
    for (n, signal) in (1..).zip(["-TERM", "-INT"]) {
        let service = files.serve().await;
        assert_eq!(service.register(&format!("user{n}")).await.status(), 201);
        until("the event on the topic", async || files.published().await.len() == n).await;
        let (status, log) = service.stop(signal).await;
        assert!(status.success(), "{status}: {log}");
        assert!(!log.contains(SECRET) && !log.contains("argon2"), "{log}");
    }
    assert_eq!(files.published().await, [EventType::Registered; 2]);
}

#[tokio::test]
async fn what_was_answered_before_the_signal_is_on_the_topic_after_it() {
    let files = Files::migrated().await;
    let service = files.serve().await;
    for n in 0..20 {
        assert_eq!(service.register(&format!("user{n}")).await.status(), 201);
    }
    let (status, log) = service.stop("-TERM").await;
    assert!(status.success(), "{status}: {log}");
    assert_eq!(files.published().await.len(), 20);
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_request_does_not_hold_up_the_stop() {
    let files = Files::migrated().await;
    let service = files.serve().await;
    let mut stuck = TcpStream::connect(service.address).await.unwrap();
    let head =
        "POST /users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{";
    stuck.write_all(head.as_bytes()).await.unwrap();
    // Its turn comes before this one's, which is answered.
    assert_eq!(service.register("ada").await.status(), 201);
    let (status, log) = service.stop("-TERM").await;
    assert!(status.success(), "{status}: {log}");
    assert_eq!(files.published().await, [EventType::Registered]);
}

#[tokio::test]
async fn a_database_that_somebody_holds_does_not_hold_up_the_stop() {
    let files = Files::migrated().await;
    let service = files.serve().await;
    let file = files.database.strip_prefix("sqlite://").unwrap();
    let mut holder = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut holder).await.unwrap();
    let mut waiting = TcpStream::connect(service.address).await.unwrap();
    let body = r#"{"email":"ada@example.org"}"#;
    let head = "POST /password-resets HTTP/1.1\r\nhost: x\r\ncontent-type: application/json";
    let request = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    waiting.write_all(request.as_bytes()).await.unwrap();
    // Its turn comes before this one's, which is answered.
    let alive = format!("http://{}/health/live", service.address);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(client.get(alive).send().await.unwrap().status(), 200);
    let (status, log) = service.stop("-TERM").await;
    assert!(status.success(), "{status}: {log}");
}

#[tokio::test]
async fn the_relay_as_a_process_of_its_own_publishes_what_another_serves() {
    let files = Files::migrated().await;
    let service = Service::start(&[("USER_SERVICE_DATABASE_URL", &files.database)]).await;
    assert_eq!(service.register("ada").await.status(), 201);
    assert!(files.published().await.is_empty());
    let environment =
        [("USER_SERVICE_DATABASE_URL", &*files.database), ("USER_SERVICE_BROKER_URL", &*files.broker)];
    let _relay = program(&["relay"], &environment).spawn().unwrap();
    until("what was there before", async || files.published().await.len() == 1).await;
    assert_eq!(service.register("bob").await.status(), 201);
    until("what came later", async || files.published().await.len() == 2).await;
    let (status, log) = service.stop("-TERM").await;
    assert!(status.success(), "{status}: {log}");
}

#[tokio::test]
async fn sqlite_has_no_binary_log_to_capture_from() {
    let files = Files::migrated().await;
    let environment =
        [("USER_SERVICE_DATABASE_URL", &*files.database), ("USER_SERVICE_BROKER_URL", &*files.broker)];
    let said = refusal(&["relay", "--capture", "outbox-binlog"], &environment).await;
    assert!(
        said.contains("capture: ") && said.contains("SQLite") && said.contains("outbox-polled"),
        "{said}"
    );
}

#[tokio::test]
async fn the_operator_makes_an_admin_who_can_then_log_in() {
    let files = Files::migrated().await;
    let password = files.folder.path().join("password");
    std::fs::write(&password, format!("{SECRET}\n")).unwrap();
    let arguments = ["create-admin", "--username", "root", "--email", "root@example.org"];
    let from_file = [&arguments[..], &["--password-file", password.to_str().unwrap()]].concat();
    let environment = [("USER_SERVICE_DATABASE_URL", &*files.database)];
    let output = run(&from_file, &environment).await;
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(printed.trim().len(), 36, "it prints the id: {printed:?}");

    let said = refusal(&from_file, &environment).await;
    assert!(said.contains("another account has the same"), "{said}");
    std::fs::write(&password, "password1").unwrap();
    let said = refusal(&from_file, &environment).await;
    assert!(said.contains("easy to guess") && !said.contains("password1"), "{said}");

    let service = files.serve().await;
    let login = json!({ "login": "root", "password": SECRET });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let base = format!("http://{}", service.address);
    let answer = client.post(format!("{base}/sessions")).json(&login).send().await.unwrap();
    let tokens: Value = answer.json().await.unwrap();
    let list = client.get(format!("{base}/users")).bearer_auth(tokens["accessToken"].as_str().unwrap());
    let list: Value = list.send().await.unwrap().json().await.unwrap();
    assert_eq!(list["items"][0]["role"], "admin", "{list}");
    let (status, log) = service.stop("-TERM").await;
    assert!(status.success() && !log.contains(SECRET), "{log}");
}

#[tokio::test]
async fn the_admins_password_may_come_through_a_pipe() {
    let files = Files::migrated().await;
    let arguments = ["create-admin", "--username", "root", "--email", "root@example.org"];
    let mut command = program(&arguments, &[("USER_SERVICE_DATABASE_URL", &*files.database)]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{SECRET}\n").as_bytes()).await.unwrap();
    let output = soon("the program ending", child.wait_with_output()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn the_health_check_says_by_its_exit_code_whether_the_process_beside_it_is_ready() {
    let files = Files::migrated().await;
    let service = Service::start(&[("USER_SERVICE_DATABASE_URL", &files.database)]).await;
    let anywhere = format!("0.0.0.0:{}", service.address.port());
    let listening = [("USER_SERVICE_LISTEN", &*anywhere)];
    until("the service is ready", async || run(&["healthcheck"], &listening).await.status.success()).await;

    // The relay's address goes before: nobody is there.
    let nobody = StdTcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let beside = [listening[0], ("USER_SERVICE_HEALTH_LISTEN", &nobody)];
    let said = refusal(&["healthcheck"], &beside).await;
    assert!(said.contains(&nobody) && said.contains("does not answer"), "{said}");

    let file = files.database.strip_prefix("sqlite://").unwrap();
    let mut holder = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    sqlx::raw_sql("DROP TABLE outbox").execute(&mut holder).await.unwrap();
    until("the obstacle is told", async || {
        let output = run(&["healthcheck"], &listening).await;
        let said = String::from_utf8(output.stderr).unwrap();
        !output.status.success() && said.contains("is not ready: database: ")
    })
    .await;
}
