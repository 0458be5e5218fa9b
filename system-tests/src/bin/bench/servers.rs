use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::Args;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::Failure;
use crate::cleanup::Cleanup;
use crate::progress::say;

const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// What a benchmark uses besides MySQL and Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    Debezium,
}

/// Servers to use instead of own ones.
#[derive(Args)]
pub(crate) struct GivenServers {
    /// A MySQL to use, such as mysql://root@127.0.0.1:3306 [default: an own one, by scripts/test-servers]
    #[arg(long, env = "TEST_MYSQL_URL", hide_env_values = true, value_name = "URL")]
    mysql_url: Option<String>,
    /// A Kafka to use, such as 127.0.0.1:9092 [default: an own one]
    #[arg(long, env = "TEST_KAFKA_BROKERS", value_name = "HOST:PORT")]
    kafka_brokers: Option<String>,
    /// A folder with the jars of Kafka Connect and Debezium's MySQL connector [default: fetched once, into a cache]
    #[arg(long, env = "TEST_DEBEZIUM", value_name = "FOLDER")]
    debezium: Option<PathBuf>,
}

/// The servers that a benchmark runs on.
#[derive(Debug, Clone)]
pub(crate) struct Servers {
    /// As an administrator, without a database.
    pub(crate) mysql_url: String,
    pub(crate) brokers: String,
    /// The folder of the jars.
    pub(crate) debezium: PathBuf,
}

impl GivenServers {
    /// Starts what is not given; it is stopped with the cleanup.
    pub(crate) async fn start_the_rest(self, needs: Needs, cleanup: &Cleanup) -> Result<Servers, Failure> {
        let Self { mysql_url, kafka_brokers, mut debezium } = self;
        if needs == Needs::Nothing {
            debezium = Some("not used".into());
        }
        if let (Some(mysql_url), Some(brokers), Some(debezium)) = (&mysql_url, &kafka_brokers, &debezium) {
            let (mysql_url, brokers) = (mysql_url.clone(), brokers.clone());
            return Ok(Servers { mysql_url, brokers, debezium: debezium.clone() });
        }
        say("starting servers of its own; what they need is fetched when it is not there yet");
        let folder = tempfile::Builder::new().prefix("inf-user-bench.").tempdir()?;
        let path = folder.path().to_owned();
        let mut script = script("start", &path);
        let given = [
            ("TEST_MYSQL_URL", mysql_url.map(Into::into)),
            ("TEST_KAFKA_BROKERS", kafka_brokers.map(Into::into)),
            ("TEST_DEBEZIUM", debezium.map(PathBuf::into_os_string)),
            // A server that is given is not started, and nothing here uses this one.
            ("TEST_MARIADB_URL", Some("not used".into())),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                script.env(name, value);
            }
        }
        let starting = Arc::new(Mutex::new(script.stdout(Stdio::null()).spawn()?));
        let started = Arc::clone(&starting);
        cleanup.add(move || stop(started, folder));
        let status = loop {
            if let Some(status) = ended(&starting)? {
                break status;
            }
            sleep(LOOK_INTERVAL).await;
        };
        if !status.success() {
            return Err(format!("scripts/test-servers start: {status}").into());
        }
        let told = std::fs::read_to_string(path.join("env"))?;
        Ok(Servers {
            mysql_url: address(&told, "MYSQL_URL", "MYSQL")?,
            brokers: address(&told, "KAFKA_BROKERS", "KAFKA")?,
            debezium: match needs {
                Needs::Debezium => address(&told, "DEBEZIUM", "DEBEZIUM")?.into(),
                Needs::Nothing => PathBuf::new(),
            },
        })
    }
}

/// Stops the servers, whether they are up or still on their way.
async fn stop(starting: Arc<Mutex<Child>>, folder: TempDir) {
    if ended(&starting).expect("it is a child of this process").is_none() {
        let process = lock(&starting).id().to_string();
        // It ends what it has begun; it may just have done so.
        let _sent = Command::new("kill").arg(process).status();
        while ended(&starting).expect("it is a child of this process").is_none() {
            sleep(LOOK_INTERVAL).await;
        }
    }
    let status = script("stop", folder.path()).status().expect("the script is there");
    assert!(status.success(), "scripts/test-servers stop: {status}");
}

fn ended(child: &Mutex<Child>) -> std::io::Result<Option<ExitStatus>> {
    lock(child).try_wait()
}

fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

fn script(verb: &str, folder: &Path) -> Command {
    let mut command = Command::new(workspace().join("scripts/test-servers"));
    command.arg(verb).arg(folder).stdin(Stdio::null());
    command
}

/// The folder of the workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is in the workspace's folder")
}

/// What the script says in its file of shell commands about a server: where it is, or why it is not.
fn address(told: &str, name: &str, server: &str) -> Result<String, Failure> {
    let value = |variable: &str| {
        let quoted = told.lines().find_map(|line| line.strip_prefix(&format!("export {variable}=")))?;
        Some(quoted.strip_prefix('\'')?.strip_suffix('\'')?.replace(r"'\''", "'"))
    };
    value(&format!("TEST_{name}")).ok_or_else(|| {
        let reason =
            value(&format!("TEST_SKIP_{server}")).unwrap_or_else(|| "nothing is said about it".into());
        format!("{server} cannot be had: {reason}").into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = "export TEST_MYSQL_URL='mysql://root@127.0.0.1:1'\nexport TEST_MYSQL_PID=7\n\
         export TEST_DEBEZIUM='/it'\\''s here'\nexport TEST_SKIP_KAFKA='there is no Java'\nunset TEST_KAFKA_BROKERS\n";

    #[test]
    fn addresses_and_reasons_are_read() {
        assert_eq!(address(TOLD, "MYSQL_URL", "MYSQL").unwrap(), "mysql://root@127.0.0.1:1");
        assert_eq!(address(TOLD, "DEBEZIUM", "DEBEZIUM").unwrap(), "/it's here");
        let missing = address(TOLD, "KAFKA_BROKERS", "KAFKA").unwrap_err().to_string();
        assert_eq!(missing, "KAFKA cannot be had: there is no Java");
    }
}
