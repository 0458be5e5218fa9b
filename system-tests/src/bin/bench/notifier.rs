//! The notifier on a backlog of events, against a loop that only sends.

mod backlog;
mod floor_send;
mod our_notifier;
mod sink;

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use clap::Args;
use tokio::process::Command;

use crate::Failure;
use crate::cleanup::Cleanup;
use crate::clock::now;
use crate::expectation::{Bound, Expectation, TABLE_HEAD, report};
use crate::progress::say;
use crate::relay::ground::{build_service, existing};
use crate::relay::load;
use crate::relay::record_file;
use crate::relay::report::{Best, HEAD};
use crate::relay::run::Run;
use crate::sampler::Sampler;
use crate::servers::{GivenServers, Needs, Servers};
use crate::topic::Topic;
pub(crate) use floor_send::FloorSend;
use our_notifier::OurNotifier;
use sink::{Acknowledges, Keeps, Sink};

/// What the contestants are called in the table.
const NOTIFIER: &str = "our notifier (Kafka, ledger on MySQL)";
const FLOOR: &str = "floor: a bare lettre loop";
const QUICK_FLOOR: &str = "a bare lettre loop, whose server acknowledges at once";

/// What may be left of the floor's throughput.
const LEAST_RATIO: f64 = 0.7;

/// As many as the notifier sends side by side, by default: 4 workers of 8 mails each.
const CONNECTIONS: &str = "32";

/// The notifier on a backlog of the topic, against a loop that only sends the same mails
///
/// Events are put on the topic while no notifier runs: updates of as many users, so that nobody's mails wait for each
/// other. Then, by turns, in each round:
///
/// - `notifier-service run`, set as it is by default, with a ledger on MySQL that is empty: it reads the topic, records,
///   renders and sends;
///
/// - a process that does nothing but send the very mails that the notifier has sent, with lettre's own pool of as many
///   connections as the notifier has.
///
/// Both send to the same SMTP server in this process, which accepts everything. A figure is the best of the rounds. Mails a
/// second count from the first that the server accepts to the last; "whole" is from the start of the process. lettre
/// leaves Nagle's algorithm on, and so waits for the server's delayed acknowledgement with each mail; the last row shows
/// what it does where the server acknowledges at once, which servers do not.
///
/// It takes a few minutes and the servers of scripts/test-servers, which it starts and stops itself unless others are
/// given. Use a machine that does nothing else.
#[derive(Args)]
pub(crate) struct NotifierBenchmark {
    /// How many events, and so mails, there are
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    mails: u64,
    /// How often each is measured
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Writes what was expected and what was met to a file: a list of {scenario, unit, ours, floor, ratio, expected, met}
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Exits with 0 also when something was not met
    #[arg(long)]
    report_only: bool,
    /// The program to measure [default: notifier-service, built from the sources as this program was]
    #[arg(long, value_name = "FILE")]
    notifier_service: Option<PathBuf>,
    #[command(flatten)]
    servers: GivenServers,
}

/// What all runs have in common.
struct Ground {
    servers: Servers,
    topic: Topic,
    folder: PathBuf,
    mails: u64,
    cleanup: Cleanup,
}

impl NotifierBenchmark {
    /// Measures, reports, and says whether everything that counts for the exit code is well.
    pub(crate) async fn run(self, cleanup: Cleanup) -> Result<bool, Failure> {
        say(format!("load of the machine: {}", load()));
        let program = match &self.notifier_service {
            Some(program) => existing(program)?,
            None => build_service("notifier-service").await?,
        };
        let servers = self.servers.start_the_rest(Needs::Nothing, &cleanup).await?;
        let folder = tempfile::Builder::new().prefix("inf-user-bench.").tempdir()?;
        let path = folder.path().to_owned();
        cleanup.add(move || async move { drop(folder) });
        let topic = Topic::create(&servers.brokers, "bench-notifier", &cleanup).await?;
        say("putting the events on the topic");
        backlog::fill(&servers.brokers, topic.name(), self.mails)?;
        let ground = Ground { servers, topic, folder: path, mails: self.mails, cleanup };

        let [ours, floor, quick] = measure(&ground, &program, self.rounds).await?;
        say(format!("load of the machine: {}", load()));
        let expectation = Expectation {
            scenario: "notifier: throughput, against a bare lettre loop",
            unit: "mails a second",
            ours: ours.rate(),
            floor: floor.rate(),
            expected: Bound::AtLeast(LEAST_RATIO),
        };
        let rows = [ours, floor, quick].map(|best| best.to_markdown()).join("\n");
        println!(
            "{}\n{rows}\n\n{TABLE_HEAD}\n{}",
            HEAD.replace("events", "mails"),
            expectation.to_markdown()
        );
        Ok(report(&[expectation], self.json.as_deref())? || self.report_only)
    }
}

/// Lets each have the backlog by turns.
async fn measure(ground: &Ground, program: &Path, rounds: u32) -> Result<[Best; 3], Failure> {
    let notifier = OurNotifier::new(program);
    let messages = ground.folder.join("messages");
    let (mut ours, mut floor, mut quick) = (vec![], vec![], vec![]);
    for round in 1..=rounds {
        let of = |name: &str| format!("round {round} of {rounds}: {name}");
        // The first round's mails are what the floors send.
        let keeps = if round == 1 { Keeps::All } else { Keeps::Nothing };
        let sink = Sink::start(Acknowledges::AsLinuxDoes, keeps).await?;
        ours.push(notifier.run(ground, &sink, &of(NOTIFIER)).await?);
        if round == 1 {
            keep(&messages, &sink)?;
        }
        floor.push(send_only(ground, &messages, Acknowledges::AsLinuxDoes, &of(FLOOR)).await?);
        quick.push(send_only(ground, &messages, Acknowledges::AtOnce, &of(QUICK_FLOOR)).await?);
    }
    Ok([Best::of(NOTIFIER, &ours), Best::of(FLOOR, &floor), Best::of(QUICK_FLOOR, &quick)])
}

fn keep(file: &Path, sink: &Sink) -> Result<(), Failure> {
    let mut file = BufWriter::new(File::create(file)?);
    let messages = sink.kept();
    let bytes: usize = messages.iter().map(|(_, message)| message.len()).sum();
    say(format!("a mail has {} bytes", bytes / messages.len().max(1)));
    for (recipient, message) in messages {
        record_file::write_parts(&mut file, recipient.as_bytes(), &message, &[])?;
    }
    file.into_inner()?;
    Ok(())
}

/// Runs the floor as a process of its own.
async fn send_only(
    ground: &Ground,
    messages: &Path,
    acknowledges: Acknowledges,
    what: &str,
) -> Result<Run, Failure> {
    let sink = Sink::start(acknowledges, Keeps::Nothing).await?;
    let started = now();
    let mut child = Command::new(std::env::current_exe()?)
        .arg("floor-send")
        .args(["--server", &sink.address().to_string(), "--connections", CONNECTIONS, "--messages"])
        .arg(messages)
        .stdin(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let process = child.id().ok_or("the process is there")?;
    let sampler = Sampler::start(process);
    let when = sink.until(ground.mails, process, what).await?;
    let usage = sampler.finish();
    drop(child.stdin.take());
    let status = child.wait().await?;
    if !status.success() {
        return Err(format!("{what}: {status}").into());
    }
    Ok(Run::new(ground.mails, started, when, &usage))
}
