//! The fault campaign: `cargo run -p system-tests --bin faults -- --seed 1 --minutes 3`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::{Parser, ValueEnum};
use system_tests::faults::{Database, Defect, Settings, run};
use system_tests::folder_of_programs;
use tokio::signal::unix::{SignalKind, signal};

/// What the shell expects of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Runs both services, two replicas of each process, on servers of their own, and breaks everything around them.
///
/// Clients register, change and delete accounts meanwhile. At the end an oracle that knows nothing of the implementation
/// says whether what docs/RELIABILITY.md promises was kept, by what the clients were answered, what the database holds and
/// what the mail server accepted. The exit code is 0 when it was, 1 when it was not, 2 when the campaign could not be run,
/// and 130 after Ctrl-C. What was started is ended in any case.
///
/// Needs what `scripts/test-servers start DIR` has fetched once, and cargo, which builds the services.
#[derive(Parser)]
#[command(name = "faults", max_term_width = 100)]
struct Cli {
    /// What load and faults are made of: the same seed makes the same plan
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long load and faults go on
    #[arg(long, default_value_t = 3.0)]
    minutes: f64,
    /// The database
    #[arg(long, value_enum, default_value_t = DatabaseName::Mysql)]
    database: DatabaseName,
    /// How the relay captures; with users-table, clients use plain SQL too
    #[arg(long, value_enum, default_value_t = CaptureName::OutboxBinlog)]
    capture: CaptureName,
    /// A defect that the services are to have, to see that the oracle sees it
    #[arg(long, value_enum, value_name = "NAME")]
    defect: Option<DefectName>,
    /// Makes the exit code 0 when a promise was broken, and 1 when none was
    #[arg(long)]
    expect_caught: bool,
    /// Where the programs of the services are, when they need not be built
    #[arg(long, value_name = "FOLDER", value_parser = folder_of_programs)]
    binaries: Option<PathBuf>,
    /// Where all logs go; the default is a new folder among the temporary files
    #[arg(long, value_name = "FOLDER")]
    logs: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum DatabaseName {
    Mysql,
    Mariadb,
}

#[derive(Clone, Copy, ValueEnum)]
enum CaptureName {
    OutboxBinlog,
    UsersTable,
}

#[derive(Clone, Copy, ValueEnum)]
enum DefectName {
    /// The relay acknowledges changes to its feed before the broker has them
    AcknowledgeBeforePublish,
    /// The notifier stores offsets before the ledger has the mails
    StoreOffsetBeforeRecord,
    /// The notifier marks mails as sent before they are
    MarkSentBeforeSending,
    /// user-service commits a change before its event
    OutboxOutsideTheTransaction,
    /// Notifiers take what another has claimed
    IgnoreLease,
}

impl Cli {
    fn settings(&self) -> Settings {
        let binaries = self.binaries.clone().unwrap_or_else(build);
        let logs = self.logs.clone().unwrap_or_else(|| {
            let name = format!("inf-user-faults-{}-{}", self.seed, std::process::id());
            std::env::temp_dir().join(name)
        });
        Settings {
            seed: self.seed,
            length: Duration::from_secs_f64(self.minutes * 60.0),
            database: match self.database {
                DatabaseName::Mysql => Database::MySql,
                DatabaseName::Mariadb => Database::MariaDb,
            },
            capture: match self.capture {
                CaptureName::OutboxBinlog => "outbox-binlog".to_owned(),
                CaptureName::UsersTable => "users-table".to_owned(),
            },
            defect: self.defect.map(|defect| match defect {
                DefectName::AcknowledgeBeforePublish => Defect::AcknowledgeBeforePublish,
                DefectName::StoreOffsetBeforeRecord => Defect::StoreOffsetBeforeRecord,
                DefectName::MarkSentBeforeSending => Defect::MarkSentBeforeSending,
                DefectName::OutboxOutsideTheTransaction => Defect::OutboxOutsideTheTransaction,
                DefectName::IgnoreLease => Defect::IgnoreLease,
            }),
            binaries,
            logs,
        }
    }
}

/// Builds the services, and returns the folder of their programs, where this one is too. All of the workspace, because
/// what cargo builds of a package depends on what it builds with it.
fn build() -> PathBuf {
    eprintln!("building the services ...");
    let mut command = Command::new("cargo");
    command
        .args(["build", "--workspace", "--bins", "--locked", "--quiet"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let this = std::env::current_exe().expect("a process knows its own file");
    let folder = this.parent().expect("a file is in a folder");
    if folder.ends_with("release") {
        command.arg("--release");
    }
    let status = command.status().expect("cargo is there");
    assert!(status.success(), "the services could not be built");
    Path::to_owned(folder)
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    // In a task, so that its end is awaited however it ends: everything that it has started ends with it.
    let mut campaign = tokio::spawn(run(cli.settings()));
    let ended = tokio::select! {
        ended = &mut campaign => Some(ended),
        interrupted = interruption() => {
            interrupted.expect("a process may have handlers of signals");
            None
        }
    };
    match ended {
        Some(Ok(verdict)) => {
            println!("{verdict}");
            let good = verdict.is_good() != cli.expect_caught;
            if cli.expect_caught {
                println!("{}", if good { "the defect was seen" } else { "the defect was not seen" });
            }
            if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Some(Err(panic)) => {
            eprintln!("faults: {panic}");
            ExitCode::from(2)
        }
        None => {
            eprintln!("interrupted; ending what was started");
            campaign.abort();
            let _aborted = campaign.await;
            ExitCode::from(INTERRUPTED)
        }
    }
}

/// Returns at Ctrl-C or SIGTERM.
async fn interruption() -> std::io::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
