//! `user-service`: reads the configuration, starts telemetry and calls the composition.

mod cli;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use shared_kernel::in_words;
use telemetry::Traces;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use user_service::composition::{self, Finding, UserService};
use user_service::config::UserServiceConfig;

use cli::{Cli, Command, SettingError};

/// A hash of a password takes 19 MiB for a moment. glibc keeps that much for each thread that ever made one.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli).await {
        Ok(code) => code,
        Err(error) => {
            // Said plainly, whether or not logging has started.
            eprintln!("user-service: {}", in_words(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<ExitCode, Box<dyn std::error::Error>> {
    cli.start_logging()?;
    match cli.command {
        Command::Migrate(settings) => {
            composition::migrate(&settings.config()?).await?;
            tracing::info!("the database and the topics are at the version of this build");
        }
        Command::Serve(settings) => {
            let listener = bind("listen", "USER_SERVICE_LISTEN", settings.listen).await?;
            let probes = bind_probes(settings.health_listen).await?;
            let traces = cli.traces.start("user-service")?;
            let service = composition::build(traced(settings.config()?, &traces)).await?;
            let shutdown = stop_signal()?;
            tracing::info!(address = %listener.local_addr()?, "serving the REST API");
            let relay_shutdown = CancellationToken::new();
            let ((), (), answered) = tokio::join!(
                async {
                    service.serve(listener, shutdown.clone()).await;
                    // The relay stops after the last request, so that it also publishes what that changed.
                    relay_shutdown.cancel();
                },
                service.relay(relay_shutdown.clone()),
                serve_health(&service, probes, shutdown.clone()),
            );
            tokio::join!(service.close(), traces.close());
            answered?;
        }
        Command::Doctor(settings) => {
            let mut findings = match settings.config() {
                Ok(config) => composition::examine(&config).await,
                Err(bad) => vec![Finding::wrong("settings", in_words(&bad))],
            };
            if let Err(bad) = settings.check_access() {
                findings.push(Finding::wrong("settings", in_words(&bad)));
            }
            if let Err(bad) = cli.traces.check() {
                findings.push(Finding::wrong("traces", in_words(&bad)));
            }
            findings.push(match settings.check_keys() {
                Ok(()) => Finding::fine("keys", "`serve` has its keys"),
                // A relay has none.
                Err(missing @ SettingError::Missing { .. }) => {
                    Finding::attention("keys", format!("`serve` cannot start: {}", in_words(&missing)))
                }
                Err(bad) => Finding::wrong("keys", in_words(&bad)),
            });
            if !telemetry::doctor::report(findings) {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::CreateAdmin(settings) => {
            let (registration, password) = (settings.registration()?, settings.password()?);
            let config = settings.config()?;
            let admin =
                composition::create_admin(&config, settings.passwords(), registration, password).await?;
            println!("{}", admin.id);
        }
        Command::ForgetRelayPosition(settings) => {
            match composition::forget_relay_position(&settings.config()?).await? {
                true => tracing::info!("forgotten: the relay begins at the present end of the binary log"),
                false => tracing::info!("no position was stored; there is nothing to forget"),
            }
        }
        Command::Healthcheck(settings) => settings.ask()?,
        Command::Relay(settings) => {
            let probes = bind_probes(settings.health_listen).await?;
            let traces = cli.traces.start("user-service")?;
            let service = composition::build(traced(settings.config()?, &traces)).await?;
            let shutdown = stop_signal()?;
            tracing::info!("relaying changes");
            let health = serve_health(&service, probes, shutdown.clone());
            let ((), answered) = tokio::join!(service.relay(shutdown.clone()), health);
            tokio::join!(service.close(), traces.close());
            answered?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn traced(config: UserServiceConfig, traces: &Traces) -> UserServiceConfig {
    UserServiceConfig { tracer: traces.tracer(), ..config }
}

async fn bind_probes(address: Option<SocketAddr>) -> Result<Option<TcpListener>, SettingError> {
    match address {
        Some(address) => bind("health-listen", "USER_SERVICE_HEALTH_LISTEN", address).await.map(Some),
        None => Ok(None),
    }
}

async fn serve_health(
    service: &UserService,
    probes: Option<TcpListener>,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    if let Some(listener) = probes {
        tracing::info!(address = %listener.local_addr()?, "answering probes");
        service.serve_health(listener, shutdown).await;
    }
    Ok(())
}

async fn bind(
    flag: &'static str,
    variable: &'static str,
    address: SocketAddr,
) -> Result<TcpListener, SettingError> {
    let listening = TcpListener::bind(address).await;
    listening.map_err(|source| SettingError::Listen { flag, variable, address, source })
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
