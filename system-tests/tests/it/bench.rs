//! The benchmarks, on a backlog that is too small to tell anything about speed.

use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use sqlx::Connection;
use sqlx::mysql::MySqlConnection;
use system_tests::Server;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// A Java machine starts three times meanwhile.
const LIMIT: Duration = Duration::from_secs(300);

const SCENARIOS: [&str; 3] = [
    "relay: throughput per processor, against Debezium",
    "relay: throughput, against the slower floor",
    "relay: peak memory, against Debezium",
];

/// The relay twice, Debezium on two Java machines, and two floors.
const MEASURED: usize = 6;

/// Where MySQL is; `None` when something that the benchmark needs cannot be had.
fn mysql() -> Option<String> {
    let [mysql, kafka, debezium] = [Server::MySql, Server::Kafka, Server::Debezium].map(Server::address);
    kafka.and(debezium).and(mysql)
}

/// A benchmark. It takes the servers from the environment, as the tests do.
fn start(benchmark: &str, arguments: &[&str]) -> Child {
    let bench = env!("CARGO_BIN_EXE_bench");
    let user_service = std::path::Path::new(bench).with_file_name("user-service");
    Command::new(bench)
        .args([benchmark, "--user-service"])
        .arg(user_service)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// How many databases are left of those that the process has made.
async fn databases_of(process: u32, mysql: &str) -> i64 {
    let mut server = MySqlConnection::connect(mysql).await.unwrap();
    sqlx::query_scalar("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME REGEXP ?")
        .bind(format!("^bench(_outbox)?_{process}_"))
        .fetch_one(&mut server)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_relay_is_measured_against_debezium_and_the_floors() {
    let Some(mysql) = mysql() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("figures.json");
    let json = file.to_str().unwrap();
    let bench =
        start("relay", &["--changes", "2000", "--rounds", "1", "--outbox", "--report-only", "--json", json]);
    let process = bench.id().unwrap();
    let Output { status, stdout, stderr } = timeout(LIMIT, bench.wait_with_output()).await.unwrap().unwrap();
    let (table, told) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert!(status.success(), "{status}: {told}");

    let rows: Vec<_> = table.lines().take_while(|line| !line.is_empty()).skip(2).collect();
    assert_eq!(rows.len(), MEASURED, "{table}");
    for row in rows {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        assert_eq!(cells[2], "2000", "{row}");
        assert!(cells[3..8].iter().all(|cell| cell.parse::<f64>().unwrap() > 0.0), "{row}");
    }

    let list: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let list = list.as_array().unwrap();
    assert_eq!(list.iter().map(|entry| &entry["scenario"]).collect::<Vec<_>>(), SCENARIOS);
    for entry in list {
        let number = |name: &str| entry[name].as_f64().unwrap();
        assert!(number("ours") > 0.0 && number("floor") > 0.0, "{entry}");
        assert!((number("ratio") - number("ours") / number("floor")).abs() < 0.001, "{entry}");
        let expected = entry["expected"].as_str().unwrap();
        let (least, bound) = expected.rsplit_once(' ').unwrap();
        let (bound, ratio): (f64, _) = (bound.parse().unwrap(), number("ratio"));
        let met = if least == "at least" { ratio >= bound } else { ratio < bound };
        assert_eq!(entry["met"], met, "{entry}");
    }
    assert_eq!(databases_of(process, &mysql).await, 0);
}

#[tokio::test]
async fn the_cost_of_telemetry_is_measured() {
    let [mysql, kafka] = [Server::MySql, Server::Kafka].map(Server::address);
    let (Some(mysql), Some(_)) = (mysql, kafka) else { return };
    let tiny = ["--rounds", "1", "--seconds", "1", "--clients", "2", "--changes", "1000", "--report-only"];
    let bench = start("telemetry", &tiny);
    let process = bench.id().unwrap();
    let Output { status, stdout, stderr } = timeout(LIMIT, bench.wait_with_output()).await.unwrap().unwrap();
    let (table, told) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert!(status.success(), "{status}: {told}");
    let rows: Vec<_> = table.lines().skip(2).take(4).collect();
    for (row, name) in rows.iter().zip(["PATCH, without", "PATCH, with", "relay, without", "relay, with"]) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        assert!(cells[1].starts_with(name), "{table}");
        assert!(cells[2..3].iter().all(|cell| cell.parse::<f64>().unwrap() > 0.0), "{table}");
    }
    assert_eq!(told.matches("bytes of spans").count(), 2, "{told}");
    assert_eq!(databases_of(process, &mysql).await, 0);
}

#[tokio::test]
async fn what_an_interrupted_benchmark_has_made_is_removed() {
    let Some(mysql) = mysql() else { return };
    let mut bench = start("relay", &["--changes", "500000"]);
    let process = bench.id().unwrap();
    let mut told = BufReader::new(bench.stderr.take().unwrap()).lines();
    let begun = async {
        while let Some(line) = told.next_line().await.unwrap() {
            if line.contains("making the backlog") {
                return;
            }
        }
        panic!("it ended before it had begun");
    };
    timeout(LIMIT, begun).await.unwrap();
    assert_eq!(databases_of(process, &mysql).await, 1);
    let sent = Command::new("kill").args(["-INT", &process.to_string()]).status().await.unwrap();
    assert!(sent.success());
    let status = timeout(LIMIT, bench.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(130));
    assert_eq!(databases_of(process, &mysql).await, 0);
}
