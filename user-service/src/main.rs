//! `user-service`: reads the configuration, starts telemetry and calls the composition.

mod cli;

use std::process::ExitCode;

use clap::Parser;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use user_service::composition;

use cli::{Cli, Command, SettingError};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Said plainly, whether or not logging has started.
            eprintln!("user-service: {}", shared_kernel::in_words(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), Box<dyn std::error::Error>> {
    cli.start_logging()?;
    match cli.command {
        Command::Migrate(settings) => {
            composition::migrate(&settings.config()?).await?;
            tracing::info!("the database and the topics are at the version of this build");
        }
        Command::Serve(settings) => {
            let listener = TcpListener::bind(settings.listen)
                .await
                .map_err(|source| SettingError::Listen { address: settings.listen, source })?;
            let service = composition::build(settings.config()?).await?;
            let shutdown = stop_signal()?;
            tracing::info!(address = %listener.local_addr()?, "serving the REST API");
            let relay_shutdown = CancellationToken::new();
            tokio::join!(
                async {
                    service.serve(listener, shutdown.clone()).await;
                    // The relay stops after the last request, so that it also publishes what that changed.
                    relay_shutdown.cancel();
                },
                service.relay(relay_shutdown.clone()),
            );
            service.close().await;
        }
        Command::CreateAdmin(settings) => {
            let (registration, password) = (settings.registration()?, settings.password()?);
            let config = settings.config()?;
            let admin =
                composition::create_admin(&config, settings.passwords(), registration, password).await?;
            println!("{}", admin.id);
        }
        Command::Relay(settings) => {
            let service = composition::build(settings.config()?).await?;
            let shutdown = stop_signal()?;
            tracing::info!("relaying changes");
            service.relay(shutdown).await;
            service.close().await;
        }
    }
    Ok(())
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
