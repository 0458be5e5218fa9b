use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::wait::eventually_some;

/// How many warnings and errors of a log are printed when the test has failed.
const TROUBLES_OF_A_FAILED_TEST: usize = 40;

/// One of our binaries as a process of its own, told everything by environment variables. It is killed
/// (SIGKILL) when the value is dropped; what it prints and logs is a file in the test's folder.
pub struct ServiceProcess {
    child: Child,
    log: PathBuf,
}

impl ServiceProcess {
    /// Starts `binary subcommand` (or the binary alone, where the subcommand is empty), with nothing in its environment
    /// but `variables`. The binary is the one that cargo built for this test run, or an absolute path.
    ///
    /// # Panics
    ///
    /// When the binary was not built.
    pub fn start(
        folder: &Path,
        name: &str,
        binary: &str,
        subcommand: &str,
        variables: &[(&str, &str)],
    ) -> Self {
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log).expect("the test's folder can be written");
        let child = command(binary, subcommand, variables)
            .stdout(file.try_clone().expect("a file can be written by two"))
            .stderr(file)
            .spawn()
            .expect("the binary was built: `cargo build --workspace`");
        Self { child, log }
    }

    /// Waits for a line of the log that contains `text`, and returns the line.
    ///
    /// # Panics
    ///
    /// When it does not come, with the whole log.
    pub async fn logged(&self, text: &str, limit: Duration) -> String {
        let what = format!("{text:?} in {}", self.log.display());
        eventually_some(&what, limit, || async {
            self.log_so_far().lines().find(|line| line.contains(text)).map(str::to_owned)
        })
        .await
    }

    /// Waits for a line of the log that has the field `name`, and returns its text.
    ///
    /// # Panics
    ///
    /// When it does not come, with the whole log.
    pub async fn logged_field(&self, name: &str, limit: Duration) -> String {
        let what = format!("the field {name} in {}", self.log.display());
        eventually_some(&what, limit, || async {
            self.log_so_far().lines().find_map(|line| field_of(line, name))
        })
        .await
    }

    /// What it has logged.
    pub fn log_so_far(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Stops it in the middle of what it does (SIGSTOP). Returns when all its threads have stopped: on a busy
    /// machine they go on for a while after the signal.
    ///
    /// # Panics
    ///
    /// When it has ended, or does not stop in time.
    pub async fn freeze(&self, limit: Duration) {
        self.signal("STOP");
        let threads = format!("/proc/{}/task", self.id());
        eventually_some("every thread stops", limit, || {
            let mut states = std::fs::read_dir(&threads).expect("the process is there").map(|thread| {
                let stat = thread.expect("a thread is there").path().join("stat");
                std::fs::read_to_string(stat).unwrap_or_default()
            });
            // The state is what follows the name in parentheses: proc_pid_stat(5).
            let have_stopped =
                states.all(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')));
            async move { have_stopped.then_some(()) }
        })
        .await;
    }

    /// Lets it go on (SIGCONT) where it was stopped.
    ///
    /// # Panics
    ///
    /// When it has ended.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let mut command = Command::new("kill");
        let sent = command.args(["-s", name, &self.id().to_string()]).status().expect("`kill` is there");
        assert!(sent.success(), "the process runs until it is stopped");
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// Asks it to stop (SIGTERM), and kills it when it has not after that time. Whether it stopped by itself.
    pub async fn stop_or_kill(mut self, limit: Duration) -> bool {
        // It may have ended already; then there is nothing to stop.
        let _sent = Command::new("kill").arg(self.id().to_string()).status();
        let deadline = Instant::now() + limit;
        while !self.has_ended() && Instant::now() < deadline {
            sleep(Duration::from_millis(20)).await;
        }
        self.has_ended()
    }

    /// Asks it to stop (SIGTERM) and waits until it has.
    ///
    /// # Panics
    ///
    /// When it does not stop in time, or not with success.
    pub async fn stop(mut self, limit: Duration) {
        self.signal("TERM");
        let status = eventually_some("the process stops", limit, || {
            let status = self.child.try_wait().expect("it is a child of this process");
            async move { status }
        })
        .await;
        assert!(status.success(), "{status}: {}", self.log_so_far());
    }
}

impl Drop for ServiceProcess {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill and only to reap.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
        if std::thread::panicking() {
            let log = self.log_so_far();
            println!("the troubles of {}:", self.log.display());
            let troubles = log.lines().filter(|line| {
                field_of(line, "level").is_none_or(|level| ["WARN", "ERROR"].contains(&level.as_str()))
            });
            troubles.take(TROUBLES_OF_A_FAILED_TEST).for_each(|line| println!("{line}"));
        }
    }
}

/// The text of a field in a line of a log, which is a JSON object where the log is no terminal.
fn field_of(line: &str, name: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    line.get(name)?.as_str().map(str::to_owned)
}

/// Runs `binary subcommand` to its end. The binary is the one that cargo built for this test run, or an absolute path.
///
/// # Panics
///
/// When it does not end with success, with what it said.
pub fn run_to_end(binary: &str, subcommand: &str, variables: &[(&str, &str)]) {
    let output = command(binary, subcommand, variables).output().expect("the binary was built");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{binary} {subcommand}: {}", String::from_utf8_lossy(&said));
}

/// Runs `binary subcommand` to its end, and returns what it says of why it has no success.
///
/// # Panics
///
/// When it has.
pub fn refusal_of(binary: &str, subcommand: &str, variables: &[(&str, &str)]) -> String {
    let output = command(binary, subcommand, variables).output().expect("the binary was built");
    assert!(!output.status.success(), "{binary} {subcommand} ended with success");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What `binary subcommand --help` tells.
///
/// # Errors
///
/// What it says where it knows no such subcommand.
///
/// # Panics
///
/// When the binary was not built.
pub fn help_of(binary: &str, subcommand: &str) -> Result<String, String> {
    let output = command(binary, subcommand, &[]).arg("--help").output().expect("the binary was built");
    let text = |said: Vec<u8>| String::from_utf8_lossy(&said).into_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// The folder, as an absolute path, where both services' programs are: what a command line is given.
///
/// # Errors
///
/// Which program is not there.
pub fn folder_of_programs(given: &str) -> Result<PathBuf, String> {
    let folder = std::path::absolute(given).map_err(|error| error.to_string())?;
    match ["user-service", "notifier-service"].iter().find(|program| !folder.join(program).is_file()) {
        Some(missing) => {
            Err(format!("there is no {missing} in it; `cargo build --workspace --bins` builds it"))
        }
        None => Ok(folder),
    }
}

fn command(binary: &str, subcommand: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(built(binary));
    command
        .args(Some(subcommand).filter(|name| !name.is_empty()))
        .env_clear()
        .envs(variables.iter().copied());
    command
}

/// The binary as cargo built it for this test run: `cargo test --workspace` builds all of them.
fn built(binary: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a process knows its own file");
    let profile = test.parent().and_then(Path::parent).expect("tests are in target/<profile>/deps");
    // An absolute path is joined to nothing.
    profile.join(binary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_program_is_refused_and_one_with_both_is_absolute() {
        let folder = tempfile::tempdir().expect("the folder for temporary files can be written");
        let given = folder.path().to_str().expect("its name is text");
        for (made, missing) in
            [("user-service", "no user-service"), ("notifier-service", "no notifier-service")]
        {
            assert!(folder_of_programs(given).is_err_and(|words| words.contains(missing)));
            File::create(folder.path().join(made)).expect("the folder can be written");
        }
        assert!(folder_of_programs(given).is_ok_and(|folder| folder.is_absolute()));
    }
}
