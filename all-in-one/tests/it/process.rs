//! The built program as a process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What the program prints last once it runs.
const LAST_LINE: &str = "Ctrl-C stops it.";

/// A running all-in-one on free ports; killed when dropped.
pub(crate) struct AllInOneProcess {
    child: Child,
    pub(crate) printed: String,
}

pub(crate) fn command(data_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_all-in-one"));
    command
        .env_clear()
        .env("INF_USER_API_PORT", "0")
        .env("INF_USER_MAILBOX_PORT", "0")
        .env("INF_USER_OPERATOR_PORT", "0")
        .env("INF_USER_SMTP_PORT", "0")
        .arg("--data-dir")
        .arg(data_dir);
    command
}

impl AllInOneProcess {
    /// Starts it and waits until it says that it runs.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut printed = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.by_ref() {
            let line = line.unwrap();
            printed += &line;
            printed.push('\n');
            if line == LAST_LINE {
                // What it prints later must not block it.
                std::thread::spawn(move || lines.for_each(drop));
                return Self { child, printed };
            }
        }
        let status = child.wait().unwrap();
        panic!("all-in-one ended with {status} before it ran; it printed {printed:?}");
    }

    /// The rest of the printed line that has this label.
    pub(crate) fn address(&self, label: &str) -> &str {
        let line = self.printed.lines().find(|line| line.trim_start().starts_with(label)).unwrap();
        line.trim_start().trim_start_matches(label).trim()
    }

    /// The printed line that begins with this, to be run by a shell.
    pub(crate) fn command_line(&self, beginning: &str) -> &str {
        self.printed.lines().map(str::trim_start).find(|line| line.starts_with(beginning)).unwrap()
    }

    /// Ctrl-C, and how long it took to end well.
    pub(crate) fn interrupt(mut self, limit: Duration) -> Duration {
        let began = Instant::now();
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return began.elapsed();
            }
            assert!(began.elapsed() < limit, "still running {limit:?} after Ctrl-C");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

impl Drop for AllInOneProcess {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill and only to reap.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
