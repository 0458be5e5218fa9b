//! `user-service doctor`, as an operator runs it.

use std::process::{Output, Stdio};
use std::sync::Arc;

use rdkafka::mocking::MockCluster;
use rdkafka::types::RDKafkaRespErr;
use shared_kernel::CDC_TOPIC;
use tokio::process::Command;

use crate::support::databases::{Capture, Engine, TestDatabase, unique_name, with_database};
use crate::support::on_each_engine;
use crate::support::outbox::{all, append, positions};
use crate::support::people::updates_of;
use crate::support::waiting::soon;

const KEYS: [(&str, &str); 2] = [
    ("USER_SERVICE_SESSION_KEY", "session-key-of-the-tests-0123456789"),
    ("USER_SERVICE_ACTION_TOKEN_KEY", "action-key-of-the-tests-0123456789"),
];

mod on {
    super::on_each_engine! {
        [mariadb: MariaDb, mysql: MySql]
        [all_is_well, what_is_missing_is_named_with_its_fix]
    }
}

/// Its exit code and its lines.
async fn examined(variables: &[(&str, &str)]) -> (i32, Vec<String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_user-service"));
    command.arg("doctor").env_clear().envs(variables.iter().copied()).stdin(Stdio::null()).kill_on_drop(true);
    let Output { status, stdout, .. } = soon("the doctor", command.output()).await.unwrap();
    let lines = String::from_utf8(stdout).unwrap().lines().map(str::to_owned).collect();
    (status.code().unwrap(), lines)
}

/// The line about that, which must begin with that verdict.
#[track_caller]
fn line<'a>(lines: &'a [String], verdict: &str, about: &str) -> &'a str {
    let found = lines.iter().find(|line| line.get(8..).is_some_and(|rest| rest.starts_with(about)));
    let found = found.unwrap_or_else(|| panic!("nothing about {about}: {lines:#?}"));
    assert!(found.starts_with(verdict), "{found}");
    found
}

async fn all_is_well(database: Arc<TestDatabase>) {
    let folder = tempfile::tempdir().unwrap();
    let broker = format!("table://{}", folder.path().join("broker.db").display());
    let url = database.on_its_server().0;
    let mut variables = vec![("USER_SERVICE_DATABASE_URL", url), ("USER_SERVICE_BROKER_URL", &broker)];
    variables.extend(KEYS);
    let (code, lines) = examined(&variables).await;
    assert_eq!(code, 0, "{lines:#?}");
    assert_eq!(lines.len(), 7, "{lines:#?}");
    for about in ["database-url", "clock", "privileges", "capture", "deadOutbox", "broker-url", "keys"] {
        line(&lines, "ok", about);
    }

    // What an operator has to look at does not stop the service.
    append(&database.users(), &updates_of(1, 1)).await;
    let feed = database.feed(database.handle(), Capture::Polled, std::time::Duration::ZERO);
    let [position] = positions(&all(&feed, 1).await)[..] else { panic!("one change was written") };
    feed.bury(position, "for the test").await.unwrap();
    let (code, lines) = examined(&variables[..2]).await;
    assert_eq!(code, 0, "{lines:#?}");
    assert!(line(&lines, "look at", "deadOutbox").contains("1 changes"));
    assert!(line(&lines, "look at", "keys").contains("--session-key"));
}

async fn what_is_missing_is_named_with_its_fix(database: Arc<TestDatabase>) {
    let cluster_has_no_topic = {
        let cluster = MockCluster::new(1).unwrap();
        format!("kafka://{}", cluster.bootstrap_servers())
    };
    let user = unique_name("doctor")[..30].to_owned();
    let (url, name) = database.url_for(&user, "p4ss");
    database.execute(&format!("CREATE USER {user}@'%' IDENTIFIED BY 'p4ss'")).await;
    database.execute(&format!("GRANT SELECT ON {name}.* TO {user}@'%'")).await;
    let (code, lines) = examined(&[
        ("USER_SERVICE_DATABASE_URL", &url),
        ("USER_SERVICE_BROKER_URL", &cluster_has_no_topic),
        ("USER_SERVICE_SESSION_KEY", "short"),
        KEYS[1],
    ])
    .await;
    database.execute(&format!("DROP USER {user}@'%'")).await;
    assert_eq!(code, 1, "{lines:#?}");
    assert!(line(&lines, "WRONG", "capture").contains("grant it: "));
    line(&lines, "WRONG", "broker-url");
    let privileges = line(&lines, "WRONG", "privileges");
    assert!(privileges.contains("grant it: DELETE ON outbox, INSERT ON deadOutbox"), "{privileges}");
    assert!(line(&lines, "WRONG", "keys").contains("USER_SERVICE_SESSION_KEY"));
    line(&lines, "ok", "database-url");
    assert!(lines.last().unwrap().starts_with("WRONG"), "the worst comes last: {lines:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_not_there_or_not_migrated_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = |file: &str| format!("sqlite://{}", folder.path().join(file).display());
    let (code, lines) = examined(&[("USER_SERVICE_DATABASE_URL", &at("none/users.db"))]).await;
    assert_eq!(code, 1, "{lines:#?}");
    line(&lines, "WRONG", "database-url");
    let (code, lines) = examined(&[("USER_SERVICE_DATABASE_URL", &at("users.db"))]).await;
    assert_eq!(code, 1, "{lines:#?}");
    assert!(line(&lines, "WRONG", "database-url").contains("user-service migrate"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_are_counted() {
    let cluster = MockCluster::new(1).unwrap();
    let broker = format!("kafka://{}", cluster.bootstrap_servers());
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("users.db").display());
    let variables = [("USER_SERVICE_DATABASE_URL", url.as_str()), ("USER_SERVICE_BROKER_URL", &broker)];
    let (_, lines) = examined(&variables).await;
    assert!(line(&lines, "WRONG", "topic").contains("user-service migrate"));
    // The same for a relay inside of `serve`, with what `serve` would not start with.
    let in_serve = [
        variables[0],
        ("USER_SERVICE_SERVE_RELAY_BROKER_URL", &*broker),
        ("USER_SERVICE_TRUSTED_PROXIES", "all"),
        ("OTEL_TRACES_SAMPLER", "some"),
    ];
    let (_, lines) = examined(&in_serve).await;
    assert!(line(&lines, "WRONG", "topic").contains("user-service migrate"));
    assert!(line(&lines, "WRONG", "settings").contains("USER_SERVICE_TRUSTED_PROXIES"));
    assert!(line(&lines, "WRONG", "traces").contains("OTEL_TRACES_SAMPLER"));
    cluster.create_topic(CDC_TOPIC, 3, 1).unwrap();
    let (_, lines) = examined(&variables).await;
    assert!(line(&lines, "look at", "topic").contains("3 partitions"));
    // Nobody who may not know of a topic is told that there is none.
    cluster.topic_error(CDC_TOPIC, RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED).unwrap();
    let (_, lines) = examined(&variables).await;
    assert!(line(&lines, "WRONG", "broker-url").contains("uthorization"), "{lines:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_has_no_binary_log() {
    with_database(Engine::Sqlite, async |database: Arc<TestDatabase>| {
        let user_service::config::DatabaseUrl::Sqlite(path) = database.url() else {
            panic!("the database is on SQLite")
        };
        let folder = tempfile::tempdir().unwrap();
        let (url, broker) = (
            format!("sqlite://{}", path.display()),
            format!("table://{}", folder.path().join("broker.db").display()),
        );
        let (code, lines) = examined(&[
            ("USER_SERVICE_DATABASE_URL", &url),
            ("USER_SERVICE_BROKER_URL", &broker),
            ("USER_SERVICE_CAPTURE", "outbox-binlog"),
        ])
        .await;
        assert_eq!(code, 1, "{lines:#?}");
        assert!(line(&lines, "WRONG", "capture").contains("outbox-polled"));
    })
    .await;
}
