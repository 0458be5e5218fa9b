//! One of the campaign's processes, kept alive as by any supervisor.

use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use super::fault::Role;
use crate::service_process::ServiceProcess;

/// How long a process may take to stop when it is asked to.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// How a process is started.
pub(crate) struct Replica {
    pub(crate) role: Role,
    pub(crate) number: usize,
    /// An absolute path.
    pub(crate) binary: PathBuf,
    pub(crate) variables: Vec<(&'static str, String)>,
    /// Where its logs are kept, one a start.
    pub(crate) logs: PathBuf,
    pub(crate) starts: usize,
    pub(crate) process: Option<ServiceProcess>,
}

impl Replica {
    /// Starts it, unless it runs; one that has ended by itself is started again.
    pub(crate) fn keep_alive(&mut self) {
        if self.process.as_mut().is_some_and(|process| !process.has_ended()) {
            return;
        }
        let command = match self.role {
            Role::Serve => "serve",
            Role::Relay => "relay",
            Role::Notifier => "run",
        };
        let variables: Vec<_> = self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let name = format!("{}-{}-{:03}", self.role, self.number, self.starts);
        let binary = self.binary.to_str().expect("paths of builds are plain text");
        self.starts += 1;
        self.process = Some(ServiceProcess::start(&self.logs, &name, binary, command, &variables));
    }

    /// Whether it has logged that.
    pub(crate) fn has_logged(&self, text: &str) -> bool {
        self.process.as_ref().is_some_and(|process| process.log_so_far().contains(text))
    }

    /// SIGKILL; it is started again after that time.
    pub(crate) async fn kill(&mut self, away: Duration) {
        self.process = None;
        sleep(away).await;
        self.keep_alive();
    }

    /// SIGTERM; it is started again when it has ended.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.keep_alive();
    }

    /// SIGTERM.
    pub(crate) async fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.stop_or_kill(STOP_LIMIT).await;
        }
    }

    /// SIGSTOP, and SIGCONT after that time.
    pub(crate) async fn freeze(&mut self, time: Duration) {
        self.signal(Signal::STOP);
        sleep(time).await;
        self.signal(Signal::CONT);
    }

    fn signal(&mut self, signal: Signal) {
        let Some(process) = &mut self.process else { return };
        if process.has_ended() {
            return;
        }
        let id = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
        // It may end at this moment.
        let _sent = id.map(|id| kill_process(id, signal));
    }
}
