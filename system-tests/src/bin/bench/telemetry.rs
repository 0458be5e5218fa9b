//! What traces and metrics cost.

mod patches;
mod stand_ins;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::Failure;
use crate::cleanup::Cleanup;
use crate::expectation::{Bound, Expectation, TABLE_HEAD, report};
use crate::progress::say;
use crate::relay::backlog;
use crate::relay::ground::{Ground, build_service, existing, make_database};
use crate::relay::load;
use crate::relay::our_relay::OurRelay;
use crate::servers::{GivenServers, Needs};
use patches::Patches;
use stand_ins::{StandIns, Telemetry};

/// What telemetry may cost: a twentieth of the throughput.
const LEAST_RATIO: f64 = 0.95;

/// Each in its own trace, which is recorded: what a relay has to tell most of.
const TRACED: &str = "UPDATE outbox SET traceparent = \
     CONCAT('00-', LEFT(SHA2(seq, 256), 32), '-', RIGHT(SHA2(seq, 256), 16), '-01')";

/// What telemetry costs: the throughput of PATCH and of the relay with and without it
///
/// In each round, by turns and the other way round in the next: `user-service serve`, whose clients each change the name of
/// one user again and again, and `user-service relay --capture outbox-binlog` on a backlog in the outbox, each row of which
/// has a trace of its own. With telemetry, spans go to a stand-in of a collector in this process, with the sampler that is
/// the default, which records every trace, and /metrics is read every second. Without it, neither is.
///
/// A figure is the median of the rounds: what telemetry costs is less than what a round differs from the next by. Use a machine
/// that does nothing else.
#[derive(Args)]
pub(crate) struct TelemetryBenchmark {
    /// How often each is measured with and without
    #[arg(long, default_value_t = 11, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// For how long names are changed in each run
    #[arg(long, default_value_t = 6, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// How many clients change names at once
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    clients: u32,
    /// How many changes the backlog has: a multiple of 100
    #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = crate::relay::changes)]
    changes: u64,
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

/// Figures of every round, without and with telemetry.
#[derive(Debug, Default)]
struct Rates {
    off: Vec<f64>,
    on: Vec<f64>,
}

impl Rates {
    fn add(&mut self, telemetry: Telemetry, rate: f64) {
        match telemetry {
            Telemetry::Off => self.off.push(rate),
            Telemetry::On => self.on.push(rate),
        }
    }

    fn expectation(&self, scenario: &'static str, unit: &'static str) -> Expectation {
        Expectation {
            scenario,
            unit,
            ours: median(&self.on),
            floor: median(&self.off),
            expected: Bound::AtLeast(LEAST_RATIO),
        }
    }

    fn to_markdown(&self, name: &str) -> String {
        let row = |how: &str, rates: &[f64]| {
            let rates: Vec<_> = rates.iter().map(|rate| format!("{rate:.0}")).collect();
            format!("| {name}, {how} | {} |\n", rates.join(" | "))
        };
        row("without", &self.off) + &row("with telemetry", &self.on)
    }
}

/// That of an even number is between the two in the middle.
fn median(rates: &[f64]) -> f64 {
    let mut sorted = rates.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.get(sorted.len().saturating_sub(1) / 2), sorted.get(sorted.len() / 2)) {
        (Some(one), Some(other)) => f64::midpoint(*one, *other),
        _ => f64::NAN,
    }
}

impl TelemetryBenchmark {
    /// Measures, reports, and says whether everything that counts for the exit code is well.
    pub(crate) async fn run(self, cleanup: Cleanup) -> Result<bool, Failure> {
        say(format!("load of the machine: {}", load()));
        let program = match &self.user_service {
            Some(program) => existing(program)?,
            None => build_service("user-service").await?,
        };
        let servers = self.servers.start_the_rest(Needs::Nothing, &cleanup).await?;
        let folder = tempfile::Builder::new().prefix("inf-user-bench.").tempdir()?;
        let path = folder.path().to_owned();
        cleanup.add(move || async move { drop(folder) });
        let users = make_database(&servers.mysql_url, "bench", &cleanup).await;
        let outbox = make_database(&servers.mysql_url, "bench_outbox", &cleanup).await;
        let mut relay = OurRelay::of_outbox(&program, &outbox);
        let patches = Patches::prepare(&program, &users, self.clients, self.seconds);
        let ground =
            Ground { servers, database: Arc::clone(&outbox), folder: path, changes: self.changes, cleanup };

        let stand_ins = StandIns::start().await?;
        let (mut patched, mut relayed) = (Rates::default(), Rates::default());
        for round in 1..=self.rounds {
            // Whoever comes first finds the machine as the other one has left it.
            let by_turns = match round % 2 {
                0 => [Telemetry::On, Telemetry::Off],
                _ => [Telemetry::Off, Telemetry::On],
            };
            for telemetry in by_turns {
                let what = format!("round {round} of {}, {}", self.rounds, telemetry.in_words());
                let measured = stand_ins.tell(telemetry).await?;
                patched.add(telemetry, patches.run(&ground, measured.variables(), &what).await?);
                measured.end("user-service serve")?;

                backlog::fill_outbox(outbox.url(), self.changes).await?;
                outbox.execute(TRACED).await;
                let topic = ground.topic("telemetry").await?;
                let measured = stand_ins.tell(telemetry).await?;
                relay.is_told(measured.variables().to_vec());
                relayed.add(telemetry, relay.run(&ground, &topic, &what).await?.rate());
                measured.end("user-service relay")?;
                topic.delete(&ground.servers.brokers).await;
            }
        }
        say(format!("load of the machine: {}", load()));
        let rounds: String = (1..=self.rounds).map(|round| format!(" round {round} |")).collect();
        println!("| a second |{rounds}\n|---|{}", "--:|".repeat(self.rounds as usize));
        print!("{}{}", patched.to_markdown("PATCH"), relayed.to_markdown("relay"));
        let expectations = [
            patched.expectation("PATCH: throughput with telemetry, against without", "requests a second"),
            relayed.expectation("relay: throughput with telemetry, against without", "events a second"),
        ];
        println!("\n{TABLE_HEAD}");
        for expectation in &expectations {
            println!("{}", expectation.to_markdown());
        }
        Ok(report(&expectations, self.json.as_deref())? || self.report_only)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlier_is_no_figure() {
        let rates = |without: &[f64], with: &[f64]| Rates { off: without.to_vec(), on: with.to_vec() };
        let met = rates(&[1000.0, 400.0, 1010.0, 990.0, 1900.0], &[950.0, 960.0, 300.0, 955.0])
            .expectation("PATCH", "requests a second");
        assert_eq!((met.ours, met.floor), (952.5, 1000.0));
        assert!(median(&[]).is_nan());
    }
}
