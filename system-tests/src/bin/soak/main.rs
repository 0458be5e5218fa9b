//! The soak: `cargo run --release -p system-tests --bin soak -- --minutes 60`.

mod load;
mod samples;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::Parser;
use system_tests::{
    GatedSink, KafkaTopic, OwnServer, Server, ServiceProcess, TestDatabase, eventually, folder_of_programs,
    run_to_end,
};
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, interval};

use load::Load;
use samples::{Samples, TABLE_HEAD};

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// So long the last mails may take.
const REST_LIMIT: Duration = Duration::from_secs(120);

const INTERRUPTED: u8 = 130;

/// Runs both services at a steady rate for long, and looks whether they take more and more memory or file descriptors
///
/// serve, relay and notifier run as processes on a MySQL and a Kafka of their own and send to a mail server in this
/// process. Clients register accounts, change them and delete them. A table says what each process had resident, and how
/// many file descriptors it had open. The exit code is 0 when neither grew after the first sixth of the time, every change
/// was mailed once and nobody waited; 1 when it was not so; and 130 after Ctrl-C.
///
/// Needs what `scripts/test-servers start DIR` has fetched once, and cargo, which builds the services.
#[derive(Parser)]
#[command(name = "soak", max_term_width = 100)]
struct Cli {
    /// How long it goes on
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,
    /// How many changes there are a second
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    /// How often processes are looked at, in seconds
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    sample_seconds: u64,
    /// Where the programs of the services are, when they need not be built
    #[arg(long, value_name = "FOLDER", value_parser = folder_of_programs)]
    binaries: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    // In a task, so that what it has started ends with it, however it ends.
    let mut soak = tokio::spawn(run(cli));
    let ended = tokio::select! {
        ended = &mut soak => Some(ended),
        interrupted = interruption() => {
            interrupted.expect("a process may have handlers of signals");
            None
        }
    };
    match ended {
        Some(Ok(true)) => ExitCode::SUCCESS,
        Some(Ok(false)) => ExitCode::FAILURE,
        Some(Err(panic)) => {
            eprintln!("soak: {panic}");
            ExitCode::from(2)
        }
        None => {
            eprintln!("interrupted; ending what was started");
            soak.abort();
            let _aborted = soak.await;
            ExitCode::from(INTERRUPTED)
        }
    }
}

/// Whether all was well.
async fn run(cli: Cli) -> bool {
    let binaries = cli.binaries.clone().unwrap_or_else(build);
    eprintln!("starting the servers ...");
    let (mysql, kafka) =
        tokio::join!(OwnServer::start_here(Server::MySql, &[]), OwnServer::start_here(Server::Kafka, &[]));
    let pair = Pair::start(&binaries, &mysql, &kafka).await;
    let load = Load::start(&pair.api, cli.rate);

    let length = Duration::from_secs_f64(cli.minutes * 60.0);
    let began = Instant::now();
    let mut samples = Samples::of(pair.processes.iter().map(|(name, process)| (*name, process.id())));
    let mut ticks = interval(Duration::from_secs(cli.sample_seconds));
    let mut told = 0;
    while began.elapsed() < length {
        ticks.tick().await;
        samples.take();
        let minute = began.elapsed().as_secs() / 60;
        if minute > told {
            told = minute;
            let (changes, mails) = (load.done(), pair.sink.mailbox().len());
            eprintln!(
                "{minute} of {} minutes: {changes} changes, {mails} mails; {}",
                cli.minutes,
                samples.now()
            );
        }
    }
    let changes = load.end().await;
    eventually("every change is mailed", REST_LIMIT, || async { pair.sink.mailbox().len() >= changes }).await;
    samples.take();
    let mut ids: Vec<_> = pair.sink.mailbox().into_iter().map(|mail| mail.message_id).collect();
    let mails = ids.len();
    ids.sort();
    ids.dedup();
    let is_each_once = mails == changes && ids.len() == changes;
    println!(
        "{} minutes, {} changes a second: {changes} changes, {mails} mails\n\n{TABLE_HEAD}",
        cli.minutes, cli.rate
    );
    print!("{}", samples.to_markdown());
    pair.stop().await;
    samples.are_flat() && is_each_once
}

/// The services, on servers of their own.
struct Pair {
    api: String,
    sink: GatedSink,
    processes: [(&'static str, ServiceProcess); 3],
    _folder: TempDir,
}

impl Pair {
    async fn start(binaries: &std::path::Path, mysql: &OwnServer, kafka: &OwnServer) -> Self {
        let folder = tempfile::tempdir().expect("the folder for temporary files can be written");
        let userdata = TestDatabase::create(&mysql.address(), "userdata").await;
        let ledger = TestDatabase::create(&mysql.address(), "notifier").await;
        let topic = KafkaTopic::named(&kafka.address(), "soak").name().to_owned();
        let sink = GatedSink::start().await;
        let broker = format!("kafka://{}", kafka.address());
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let listen = port.expect("a port is free").to_string();
        let variables = [
            ("USER_SERVICE_DATABASE_URL", userdata.url()),
            ("USER_SERVICE_BROKER_URL", &broker),
            ("USER_SERVICE_TOPIC", &topic),
            ("USER_SERVICE_LISTEN", &listen),
            ("USER_SERVICE_SESSION_KEY", "fedcba9876543210fedcba9876543210"),
            ("USER_SERVICE_ACTION_TOKEN_KEY", "0123456789abcdef0123456789abcdef"),
            // One address has all accounts, and each account changes more often than a person does.
            ("USER_SERVICE_RATE_PER_ADDRESS", "0"),
            ("USER_SERVICE_RATE_PER_ACCOUNT", "0"),
            ("NOTIFIER_DATABASE_URL", ledger.url()),
            ("NOTIFIER_BROKER_URL", &broker),
            ("NOTIFIER_TOPIC", &topic),
            ("NOTIFIER_CONSUMER_GROUP", &topic),
            ("NOTIFIER_SMTP_URL", sink.url()),
            ("NOTIFIER_MAIL_FROM", "accounts@inf-user.example"),
            ("NOTIFIER_PUBLIC_URL", "https://accounts.inf-user.example"),
            ("NOTIFIER_ACTION_TOKEN_KEY", "0123456789abcdef0123456789abcdef"),
            // Each mail is a line of the log otherwise.
            ("NOTIFIER_LOG", "warn"),
        ];
        let program = |name: &str| binaries.join(name).to_string_lossy().into_owned();
        let (user_service, notifier) = (program("user-service"), program("notifier-service"));
        run_to_end(&user_service, "migrate", &variables);
        run_to_end(&notifier, "migrate", &variables);
        let start = |name, program: &str, command| {
            (name, ServiceProcess::start(folder.path(), name, program, command, &variables))
        };
        let processes = [
            start("serve", &user_service, "serve"),
            start("relay", &user_service, "relay"),
            start("notifier", &notifier, "run"),
        ];
        processes[1].1.logged("following the binary log", START_LIMIT).await;
        eventually("the API is there", START_LIMIT, || async {
            std::net::TcpStream::connect(&listen).is_ok()
        })
        .await;
        Self { api: format!("http://{listen}/users"), sink, processes, _folder: folder }
    }

    async fn stop(self) {
        for (_, process) in self.processes {
            process.stop(STOP_LIMIT).await;
        }
    }
}

/// Builds the services as this program was built, and returns the folder of their programs.
fn build() -> PathBuf {
    eprintln!("building the services ...");
    let this = std::env::current_exe().expect("a process knows its own file");
    let folder = this.parent().expect("a file is in a folder").to_owned();
    let mut command = Command::new("cargo");
    command.args(["build", "-p", "user-service", "-p", "notifier-service", "--bins", "--locked", "--quiet"]);
    if folder.ends_with("release") {
        command.arg("--release");
    }
    let status = command.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo is there");
    assert!(status.success(), "the services could not be built");
    folder
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
