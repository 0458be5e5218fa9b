//! Benchmarks of the services on real servers: `cargo run --release -p system-tests --bin bench -- --help`.
#![expect(clippy::doc_markdown, reason = "the texts are what --help shows, where brackets would be noise")]

mod cleanup;
mod clock;
mod expectation;
mod notifier;
mod progress;
mod relay;
mod sampler;
mod servers;
mod telemetry;
mod topic;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use cleanup::Cleanup;

/// Why a benchmark cannot go on, for the person who runs it.
type Failure = Box<dyn Error + Send + Sync>;

/// What the shell expects of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Measures the services on real servers.
///
/// Each benchmark says on stderr what it does and how far it is, prints a table in Markdown on stdout, and removes what it
/// made, also after Ctrl-C. The exit code is 0 when everything that is expected was met, 1 when something was not, 2 when
/// it could not be measured, and 130 after Ctrl-C.
#[derive(Parser)]
#[command(name = "bench", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Relay(relay::RelayBenchmark),
    Notifier(notifier::NotifierBenchmark),
    Telemetry(telemetry::TelemetryBenchmark),
    /// Reads and decodes the binary log and does nothing else; the relay's benchmark runs it
    #[command(hide = true)]
    FloorRead(relay::FloorRead),
    /// Produces kept records and does nothing else; the relay's benchmark runs it
    #[command(hide = true)]
    FloorProduce(relay::FloorProduce),
    /// Sends kept mails and does nothing else; the notifier's benchmark runs it
    #[command(hide = true)]
    FloorSend(notifier::FloorSend),
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Relay(benchmark) => return in_the_open(|cleanup| benchmark.run(cleanup)).await,
        Command::Notifier(benchmark) => {
            return in_the_open(|cleanup| benchmark.run(cleanup)).await;
        }
        Command::Telemetry(benchmark) => {
            return in_the_open(|cleanup| benchmark.run(cleanup)).await;
        }
        Command::FloorRead(floor) => floor.run().await,
        Command::FloorProduce(floor) => floor.run(),
        Command::FloorSend(floor) => floor.run().await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&*failure),
    }
}

/// Runs a benchmark until it ends or is interrupted, and removes what it made in any case.
async fn in_the_open<F>(benchmark: impl FnOnce(Cleanup) -> F) -> ExitCode
where
    F: Future<Output = Result<bool, Failure>> + Send + 'static,
{
    let cleanup = Cleanup::default();
    // In a task, so that one of the checks that panic ends it like any failure.
    let mut running = tokio::spawn(benchmark(cleanup.clone()));
    let ended = tokio::select! {
        ended = &mut running => Some(ended),
        interrupted = interruption() => match interrupted {
            Ok(()) => None,
            Err(error) => return failed(&error),
        },
    };
    let code = match ended {
        Some(Ok(Ok(true))) => ExitCode::SUCCESS,
        Some(Ok(Ok(false))) => ExitCode::FAILURE,
        Some(Ok(Err(failure))) => failed(&*failure),
        Some(Err(panic)) => failed(&panic),
        None => {
            progress::say("interrupted; removing what was made");
            running.abort();
            let _aborted = running.await;
            ExitCode::from(INTERRUPTED)
        }
    };
    cleanup.run().await;
    code
}

fn failed(error: &(dyn Error + 'static)) -> ExitCode {
    eprintln!("bench: {}", shared_kernel::in_words(error));
    ExitCode::from(2)
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
