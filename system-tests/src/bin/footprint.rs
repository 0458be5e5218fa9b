//! How large the programs are, and how much memory each process holds when it has nothing to do.
//!
//! On the servers of `TEST_MYSQL_URL` and `TEST_KAFKA_BROKERS`, with programs that were built before.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use system_tests::{KafkaTopic, Server, ServiceProcess, SmtpSink, TestDatabase, run_to_end};
use tokio::time::sleep;

/// How long a process is left alone before it is looked at.
const SETTLE: Duration = Duration::from_secs(10);
const START_LIMIT: Duration = Duration::from_secs(60);
const KEY: &str = "0123456789abcdef0123456789abcdef";
const OTHER_KEY: &str = "fedcba9876543210fedcba9876543210";

/// Prints the size of each program, and the resident memory of each process while it is idle.
#[derive(Parser)]
struct Arguments {
    /// Where the programs are: `cargo build --release -p user-service -p notifier-service -p all-in-one`
    #[arg(default_value = "target/release")]
    folder: PathBuf,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = Arguments::parse().folder.canonicalize()?;
    for program in ["user-service", "notifier-service", "all-in-one"] {
        let size = folder.join(program).metadata()?.len();
        println!("{program}: {:.1} MB", megabytes(size));
    }
    let (Some(mysql), Some(brokers)) = (Server::MySql.address(), Server::Kafka.address()) else {
        return Ok(());
    };
    let (userdata, ledger) =
        (TestDatabase::create(&mysql, "footprint").await, TestDatabase::create(&mysql, "footprint").await);
    let (topic, sink) = (KafkaTopic::named(&brokers, "footprint"), SmtpSink::start().await);
    let (broker_url, smtp_url) = (format!("kafka://{brokers}"), sink.url());
    let scratch = tempfile::tempdir()?;
    let data = scratch.path().join("data");
    let variables = [
        ("USER_SERVICE_DATABASE_URL", userdata.url()),
        ("USER_SERVICE_BROKER_URL", &broker_url),
        ("USER_SERVICE_TOPIC", topic.name()),
        ("USER_SERVICE_LISTEN", "127.0.0.1:0"),
        ("USER_SERVICE_SESSION_KEY", KEY),
        ("USER_SERVICE_ACTION_TOKEN_KEY", OTHER_KEY),
        ("NOTIFIER_DATABASE_URL", ledger.url()),
        ("NOTIFIER_BROKER_URL", &broker_url),
        ("NOTIFIER_TOPIC", topic.name()),
        ("NOTIFIER_CONSUMER_GROUP", topic.name()),
        ("NOTIFIER_SMTP_URL", &smtp_url),
        ("NOTIFIER_MAIL_FROM", "accounts@inf-user.example"),
        ("NOTIFIER_PUBLIC_URL", "https://accounts.inf-user.example"),
        ("NOTIFIER_ACTION_TOKEN_KEY", OTHER_KEY),
    ];
    let program = |name: &str| path_of(&folder, name);
    run_to_end(&program("user-service"), "migrate", &variables);
    run_to_end(&program("notifier-service"), "migrate", &variables);
    for (name, subcommand, ready) in [
        ("user-service", "serve", "serving the REST API"),
        ("user-service", "relay", "relaying changes"),
        ("notifier-service", "run", "recording events"),
    ] {
        let process =
            ServiceProcess::start(scratch.path(), subcommand, &program(name), subcommand, &variables);
        process.logged(ready, START_LIMIT).await;
        tell(&format!("{name} {subcommand}"), &process).await?;
    }
    let alone = [
        ("INF_USER_DATA_DIR", data.to_str().ok_or("the folder's name is text")?),
        ("INF_USER_API_PORT", "0"),
        ("INF_USER_OPERATOR_PORT", "0"),
        ("INF_USER_MAILBOX_PORT", "0"),
        ("INF_USER_SMTP_PORT", "0"),
    ];
    let process = ServiceProcess::start(scratch.path(), "all-in-one", &program("all-in-one"), "", &alone);
    process.logged("inf-user is running", START_LIMIT).await;
    tell("all-in-one", &process).await?;
    drop(process);
    topic.delete().await;
    userdata.drop_it().await;
    ledger.drop_it().await;
    Ok(())
}

fn path_of(folder: &Path, name: &str) -> String {
    folder.join(name).to_string_lossy().into_owned()
}

async fn tell(what: &str, process: &ServiceProcess) -> Result<(), Box<dyn Error>> {
    sleep(SETTLE).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("the process has ended")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    println!("{what}: {:.1} MB resident", megabytes(kilobytes * 1024));
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
