//! `cargo run`: reads the settings, starts logging and everything else, and stops on Ctrl-C.

use std::process::ExitCode;

use all_in_one::composition::AllInOne;
use all_in_one::settings::Settings;
use clap::Parser;

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
    telemetry::logs::start(&settings.log, settings.log_format)
        .map_err(|error| format!("--log (INF_USER_LOG): {}", shared_kernel::in_words(&error)))?;
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
