//! The relay on a backlog, against Debezium and against the least that its work costs.

pub(crate) mod backlog;
pub(crate) mod child;
mod debezium;
mod floor_produce;
mod floor_read;
mod floors;
pub(crate) mod ground;
pub(crate) mod our_relay;
pub(crate) mod record_file;
pub(crate) mod report;
pub(crate) mod run;

use std::path::{Path, PathBuf};

use clap::Args;

use crate::Failure;
use crate::cleanup::Cleanup;
use crate::expectation::report;
use crate::progress::say;
use crate::servers::{GivenServers, Needs};
use backlog::BinlogPlace;
use debezium::{AS_SHIPPED, Debezium, THRIFTY};
pub(crate) use floor_produce::FloorProduce;
pub(crate) use floor_read::FloorRead;
use ground::{Ground, build_service, existing, make_database};
use our_relay::OurRelay;
use report::{Best, Figures};

/// What the contestants are called in the table.
const RELAY: &str = "our relay (users-table)";
const OUTBOX: &str = "our relay (outbox-binlog, sweeping an outbox)";
const FLOOR_READ: &str = "floor: only reading and decoding the binary log";
const FLOOR_PRODUCE: &str = "floor: only producing the relay's records";

/// The relay against Debezium and against two floors, all on one backlog of changes of the table `users`
///
/// Another program's changes of `users` are made in MySQL while nobody captures them. Then, by turns, in each round:
///
/// - our relay (`user-service relay --capture users-table`), set as it is by default;
///
/// - the real Debezium MySQL connector as debezium/ configures it, in Kafka Connect (standalone), twice: with the Java
///   settings of Kafka's own scripts, which is what the relay is held against, and with a heap of 256 MiB and the serial
///   collector, which is as thrifty as it gets;
///
/// - a process that only reads and decodes the binary log (mysql_async);
///
/// - a process that only produces the records that our relay has published (rdkafka, with the relay's own settings).
///
/// A figure is the best of the rounds. Events a second and events a CPU-second (user and system, of that process alone)
/// count from the first event to the last, as the broker stamps them, so that no start-up is in them; "whole" is from the
/// start of the process to the last event. Peak memory is what was resident at once (VmHWM).
///
/// It takes about five minutes, 2 GiB of disk and the servers of scripts/test-servers, which it starts and stops itself
/// unless others are given. Use a machine that does nothing else.
#[derive(Args)]
pub(crate) struct RelayBenchmark {
    /// How many changes the backlog has: a multiple of 100
    #[arg(long, default_value_t = 500_000, value_name = "N", value_parser = changes)]
    changes: u64,
    /// How often each is measured
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Measures our relay on an outbox of as many changes as well (--capture outbox-binlog, which sweeps the table)
    #[arg(long)]
    outbox: bool,
    /// Writes what was expected and what was met to a file: a list of {scenario, unit, ours, floor, ratio, expected, met}
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Exits with 0 also when something was not met
    #[arg(long)]
    report_only: bool,
    /// The program to measure [default: user-service, built from the sources as this program was]
    #[arg(long, value_name = "FILE")]
    user_service: Option<PathBuf>,
    #[command(flatten)]
    servers: GivenServers,
}

pub(crate) fn changes(text: &str) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(count) if count > 0 && count.is_multiple_of(100) => Ok(count),
        _ => Err("it must be a multiple of 100".into()),
    }
}

impl RelayBenchmark {
    /// Measures, reports, and says whether everything that counts for the exit code is well.
    pub(crate) async fn run(self, cleanup: Cleanup) -> Result<bool, Failure> {
        say(format!("load of the machine: {}", load()));
        let program = match &self.user_service {
            Some(program) => existing(program)?,
            None => build_service("user-service").await?,
        };
        let servers = self.servers.start_the_rest(Needs::Debezium, &cleanup).await?;
        let folder = tempfile::Builder::new().prefix("inf-user-bench.").tempdir()?;
        let path = folder.path().to_owned();
        cleanup.add(move || async move { drop(folder) });
        let database = make_database(&servers.mysql_url, "bench", &cleanup).await;
        let ground = Ground { servers, database, folder: path, changes: self.changes, cleanup };

        let figures = measure(&ground, &program, self.rounds, self.outbox).await?;
        say(format!("load of the machine: {}", load()));
        print!("{}", figures.to_markdown());
        let expectations = figures.expectations();
        Ok(report(&expectations, self.json.as_deref())? || self.report_only)
    }
}

/// Makes the backlog and lets each have it by turns.
async fn measure(ground: &Ground, program: &Path, rounds: u32, outbox: bool) -> Result<Figures, Failure> {
    let contestants = Contestants::prepare(ground, program).await?;
    let outbox = match outbox {
        true => Some(make_database(&ground.servers.mysql_url, "bench_outbox", &ground.cleanup).await),
        false => None,
    };
    let outbox = outbox.map(|database| (OurRelay::of_outbox(program, &database), database));

    let (mut relay, mut read, mut produce, mut further) = (vec![], vec![], vec![], vec![]);
    let mut debezium = [AS_SHIPPED, THRIFTY].map(|java| (java, vec![]));
    let mut records = None;
    for round in 1..=rounds {
        let of = |name: &str| format!("round {round} of {rounds}: {name}");
        let topic = ground.topic("relay").await?;
        contestants.relay.go_back().await;
        relay.push(contestants.relay.run(ground, &topic, &of(RELAY)).await?);
        if records.is_none() {
            records = Some(floors::keep_records(ground, &topic).await?);
        }
        topic.delete(&ground.servers.brokers).await;

        for (java, runs) in &mut debezium {
            let topic = ground.topic("debezium").await?;
            runs.push(contestants.debezium.run(ground, &topic, *java, &of(java.name)).await?);
            topic.delete(&ground.servers.brokers).await;
        }

        read.push(floors::read(ground, &contestants.place, &of(FLOOR_READ)).await?);

        let topic = ground.topic("produce").await?;
        let records = records.as_deref().unwrap_or_default();
        produce.push(floors::produce(ground, &topic, records, &of(FLOOR_PRODUCE)).await?);
        topic.delete(&ground.servers.brokers).await;

        if let Some((relay, database)) = &outbox {
            backlog::fill_outbox(database.url(), ground.changes).await?;
            let topic = ground.topic("outbox").await?;
            further.push(relay.run(ground, &topic, &of(OUTBOX)).await?);
            topic.delete(&ground.servers.brokers).await;
        }
    }
    let [as_shipped, thrifty] = debezium.map(|(java, runs)| Best::of(java.name, &runs));
    let swept = outbox.map(|_swept| Best::of(OUTBOX, &further));
    Ok(Figures {
        relay: Best::of(RELAY, &relay),
        debezium: as_shipped,
        floor_read: Best::of(FLOOR_READ, &read),
        floor_produce: Best::of(FLOOR_PRODUCE, &produce),
        further: [thrifty].into_iter().chain(swept).collect(),
    })
}

/// Those who capture the backlog, each with a place in the binary log right before it.
struct Contestants {
    relay: OurRelay,
    debezium: Debezium,
    place: BinlogPlace,
}

impl Contestants {
    async fn prepare(ground: &Ground, program: &Path) -> Result<Self, Failure> {
        let relay = OurRelay::of_users(program, &ground.database);
        let (of_relay, of_debezium) = (ground.topic("relay").await?, ground.topic("debezium").await?);
        let debezium = Debezium::prepare(ground, &of_debezium).await;
        say("letting the relay and Debezium take their places in the binary log");
        let process = relay.begin(ground, &of_relay).await;
        debezium.begin(ground).await?;
        ground.database.execute(backlog::FIRST_CHANGE).await;
        relay.take_a_place(process, &of_relay, 1).await?;
        debezium.take_a_place(&of_debezium, 1).await?;
        for topic in [of_relay, of_debezium] {
            topic.delete(&ground.servers.brokers).await;
        }
        let place = BinlogPlace::now(ground.database.url()).await?;
        backlog::make(ground.database.url(), ground.changes).await?;
        Ok(Self { relay, debezium, place })
    }
}

/// How many processes have lately wanted a processor (`man 5 proc_loadavg`).
pub(crate) fn load() -> String {
    let told = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    told.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
