use std::path::{Path, PathBuf};

use system_tests::{ServiceProcess, run_to_end};

use super::Ground;
use super::sink::Sink;
use crate::Failure;
use crate::clock::now;
use crate::relay::ground::{STOP_LIMIT, make_database};
use crate::relay::run::Run;
use crate::sampler::Sampler;

/// `notifier-service run`, set as it is by default.
pub(super) struct OurNotifier {
    program: PathBuf,
}

impl OurNotifier {
    pub(super) fn new(program: &Path) -> Self {
        Self { program: program.to_owned() }
    }

    /// Lets it mail the backlog, with a new ledger and in a new consumer group.
    pub(super) async fn run(&self, ground: &Ground, sink: &Sink, what: &str) -> Result<Run, Failure> {
        let program = self.program.to_string_lossy().into_owned();
        let ledger = make_database(&ground.servers.mysql_url, "bench_ledger", &ground.cleanup).await;
        run_to_end(&program, "migrate", &[("NOTIFIER_DATABASE_URL", ledger.url())]);
        let broker_url = format!("kafka://{}", ground.servers.brokers);
        let smtp_url = format!("smtp://{}", sink.address());
        let variables = [
            ("NOTIFIER_DATABASE_URL", ledger.url()),
            ("NOTIFIER_BROKER_URL", &broker_url),
            ("NOTIFIER_TOPIC", ground.topic.name()),
            ("NOTIFIER_CONSUMER_GROUP", ledger.name()),
            ("NOTIFIER_SMTP_URL", &smtp_url),
            ("NOTIFIER_MAIL_FROM", "inf-user <accounts@inf-user.example>"),
            ("NOTIFIER_PUBLIC_URL", "https://accounts.inf-user.example"),
            ("NOTIFIER_ACTION_TOKEN_KEY", "0123456789abcdef0123456789abcdef"),
        ];
        let started = now();
        let process = ServiceProcess::start(&ground.folder, "notifier", &program, "run", &variables);
        let sampler = Sampler::start(process.id());
        let when = sink.until(ground.mails, process.id(), what).await;
        let when = when.map_err(|failure| format!("{failure}\n{}", process.log_so_far()))?;
        let usage = sampler.finish();
        process.stop(STOP_LIMIT).await;
        Ok(Run::new(ground.mails, started, when, &usage))
    }
}
