use std::time::Duration;

use shared_kernel::in_words;
use telemetry::Readiness;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::ConsumerMonitor;
use crate::interactors::{DeliverNotifications, DeliveryProgress, WatchDeliveries};

/// The parts of the service: the ledger's database, the broker, the mail server, and the workers.
pub const PARTS: [&str; 4] = [DATABASE, BROKER, MAIL_SERVER, DELIVERY];

const DATABASE: &str = "database";
const BROKER: &str = "broker";
const MAIL_SERVER: &str = "mail-server";
const DELIVERY: &str = "delivery";

/// How often everything is looked at.
const INTERVAL: Duration = Duration::from_secs(2);
/// How long the ledger or the broker may take to answer that.
const ANSWER_WITHIN: Duration = Duration::from_secs(6);

/// What there is to look at.
pub struct Watched<'a> {
    /// Whether mails that are due are taken up.
    pub deliveries: &'a WatchDeliveries,
    /// Whether mail is sent.
    pub deliver: &'a DeliverNotifications,
    /// Whether the topic is read.
    pub consumer: &'a dyn ConsumerMonitor,
    /// For how long something may fail.
    pub patience: Duration,
}

/// Looks again and again, until `shutdown`, whether the process can do its work, and tells when it cannot: at the second
/// time in a row that the database does not answer, and once anything else has failed for as long as the patience.
pub async fn watch_loop(watched: Watched<'_>, readiness: &Readiness, shutdown: &CancellationToken) {
    let begun = Instant::now();
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let looking = async {
        loop {
            ticks.tick().await;
            tokio::join!(look_at_ledger(&watched, begun, readiness), look_at_broker(&watched, readiness));
            look_at_mail_server(&watched, readiness);
        }
    };
    shutdown.run_until_cancelled(looking).await;
}

async fn look_at_ledger(watched: &Watched<'_>, begun: Instant, readiness: &Readiness) {
    match timeout(ANSWER_WITHIN, watched.deliveries.execute(begun.elapsed())).await {
        Ok(Ok(progress)) => {
            readiness.ready(DATABASE);
            match progress {
                // What waits for a mail server is not the workers' fault.
                DeliveryProgress::Stuck(waited) if watched.deliver.outage().is_none() => {
                    let waited = waited.as_secs();
                    let reason = format!("a mail that is due has not been taken up for {waited} s");
                    readiness.failed(DELIVERY, Duration::ZERO, reason);
                }
                DeliveryProgress::Stuck(_) | DeliveryProgress::Moving => readiness.ready(DELIVERY),
            }
        }
        Ok(Err(failure)) => readiness.failed(DATABASE, INTERVAL, in_words(&failure)),
        Err(_elapsed) => {
            let seconds = ANSWER_WITHIN.as_secs();
            readiness.failed(DATABASE, INTERVAL, format!("no answer within {seconds} s"));
        }
    }
}

async fn look_at_broker(watched: &Watched<'_>, readiness: &Readiness) {
    match timeout(ANSWER_WITHIN, watched.consumer.check()).await {
        Ok(Ok(())) => readiness.ready(BROKER),
        Ok(Err(failure)) => readiness.failed(BROKER, watched.patience, in_words(&failure)),
        Err(_elapsed) => {
            let seconds = ANSWER_WITHIN.as_secs();
            readiness.failed(BROKER, watched.patience, format!("no answer within {seconds} s"));
        }
    }
}

fn look_at_mail_server(watched: &Watched<'_>, readiness: &Readiness) {
    match watched.deliver.outage() {
        None => readiness.ready(MAIL_SERVER),
        Some(outage) => {
            let words = outage.answer.map_or(String::new(), |answer| {
                let stage = answer.stage.map_or("no dialogue", crate::entities::DialogueStage::as_str);
                format!(" ({stage}): {}", answer.words)
            });
            let reason = format!("it has not been to be had for {} s{words}", outage.lasts.as_secs());
            readiness.failed(MAIL_SERVER, watched.patience, reason);
        }
    }
}
