//! `cargo run`: reads the settings, starts logging and everything else, and stops on Ctrl-C.

use std::io::IsTerminal;
use std::process::ExitCode;

use all_in_one::composition::AllInOne;
use all_in_one::settings::Settings;
use clap::Parser;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Settings::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Said plainly, whether or not logging has started.
            eprintln!("all-in-one: {}", shared_kernel::in_words(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: Settings) -> Result<(), Box<dyn std::error::Error>> {
    let filter = EnvFilter::try_new(&settings.log).map_err(|error| {
        format!("--log (INF_USER_LOG): it must be a level or a filter such as info,sqlx=warn: {error}")
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    let mut stop = stop_signal()?;
    let running = AllInOne::start(settings).await?;
    println!("{}", running.try_it_now());
    stop.recv().await;
    println!("stopping; once more stops at once");
    tokio::select! {
        () = running.stop() => {}
        _ = stop.recv() => println!("stopped at once; what was not sent yet is sent after the next start"),
    }
    Ok(())
}

/// Gets a message for each Ctrl-C or SIGTERM.
fn stop_signal() -> std::io::Result<tokio::sync::mpsc::Receiver<()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let (sender, receiver) = tokio::sync::mpsc::channel(2);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if sender.send(()).await.is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}
