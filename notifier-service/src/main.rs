//! `notifier-service`: reads the configuration, starts telemetry and calls the composition.

mod cli;

use std::process::ExitCode;

use clap::Parser;
use notifier_service::composition::{self, Finding};
use notifier_service::config::NotifierConfig;
use tokio_util::sync::CancellationToken;

use cli::{Cli, Command};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli).await {
        Ok(code) => code,
        Err(error) => {
            // Said plainly, whether or not logging has started.
            eprintln!("notifier-service: {}", shared_kernel::in_words(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<ExitCode, Box<dyn std::error::Error>> {
    cli.start_logging()?;
    match cli.command {
        Command::Migrate(settings) => {
            composition::migrate(&settings.url()?).await?;
            tracing::info!("the database is at the version of this build");
        }
        Command::Preview(settings) => {
            let mails = composition::preview(settings.config()?)?;
            println!("{mails} mails; open index.html in the folder to see them");
        }
        Command::Ledger(settings) => {
            let (operator, close) =
                composition::open_operator(&settings.database.url()?, settings.links()).await?;
            let done = settings.execute(&operator).await;
            close.await;
            done?;
        }
        Command::DeadLetters(settings) => {
            let (commands, close) = composition::open_dead_letters(&settings.config()?).await?;
            let done = settings.execute(&commands.list, &commands.redrive).await;
            close.await;
            done?;
        }
        Command::Doctor(settings) => {
            let mut findings = match settings.config() {
                Ok(config) => composition::examine(&config).await,
                Err(bad) => vec![Finding::wrong("settings", shared_kernel::in_words(&bad))],
            };
            if let Err(bad) = cli.traces.check() {
                findings.push(Finding::wrong("traces", shared_kernel::in_words(&bad)));
            }
            if !telemetry::doctor::report(findings) {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Healthcheck(settings) => settings.ask()?,
        Command::Run(settings) => {
            let traces = cli.traces.start("notifier-service")?;
            let config = NotifierConfig { tracer: traces.tracer(), ..settings.config()? };
            let notifier = composition::build(config).await?;
            let shutdown = stop_signal()?;
            if let Some(address) = notifier.health_address() {
                tracing::info!(%address, "answering probes");
            }
            tracing::info!("recording events and delivering mail");
            notifier.run(shutdown).await;
            traces.close().await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Cancelled by Ctrl-C or SIGTERM.
fn stop_signal() -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let token = CancellationToken::new();
    let stopping = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping");
        stopping.cancel();
    });
    Ok(token)
}
