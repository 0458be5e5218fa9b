//! Looks again and again whether the process can do its work, and tells when it cannot.

use std::time::Duration;

use shared_kernel::in_words;
use telemetry::Readiness;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::RelayHealth;
use crate::interactors::{RelayChanges, RelayProgress, WatchBroker, WatchOutbox};

/// The part that holds the accounts and the outbox.
pub const DATABASE: &str = "database";
/// The part that changes are published to.
pub const BROKER: &str = "broker";
/// The part that publishes them.
pub const RELAY: &str = "relay";

/// How often the outbox is looked at.
const INTERVAL: Duration = Duration::from_secs(2);
/// How long the database may take to answer that.
const ANSWER_WITHIN: Duration = Duration::from_secs(6);
/// How often the broker is looked at: at least, and at most.
const BROKER_INTERVALS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// A relay in this process.
#[derive(Clone, Copy)]
pub struct Relaying<'a> {
    /// What it does.
    pub relay: &'a RelayChanges,
    /// Whether it fails.
    pub health: &'a RelayHealth,
}

/// Looks at the database until `shutdown`, and says that it is not ready when it does not answer twice in a row. What is
/// stuck in the outbox counts against this process only where it relays, and so does a relay that fails for as long as a
/// change may be stuck, although there is nothing in the outbox.
pub async fn watch_database(
    watch: &WatchOutbox,
    relaying: Option<Relaying<'_>>,
    readiness: &Readiness,
    shutdown: CancellationToken,
) {
    let begun = Instant::now();
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut acknowledged = 0;
    let looking = async {
        loop {
            ticks.tick().await;
            match timeout(ANSWER_WITHIN, watch.execute(begun.elapsed())).await {
                Ok(Ok(progress)) => {
                    readiness.ready(DATABASE);
                    let Some(relaying) = relaying else { continue };
                    let so_far = relaying.relay.acknowledged();
                    if so_far != acknowledged {
                        // Under load it may go on for long before it says so.
                        relaying.health.recovered();
                        acknowledged = so_far;
                    }
                    match obstacle(relaying, progress, watch.stuck_after()) {
                        Some(reason) => readiness.failed(RELAY, Duration::ZERO, reason),
                        None => readiness.ready(RELAY),
                    }
                }
                Ok(Err(failure)) => readiness.failed(DATABASE, INTERVAL, in_words(&failure)),
                Err(_elapsed) => {
                    let seconds = ANSWER_WITHIN.as_secs();
                    readiness.failed(DATABASE, INTERVAL, format!("no answer within {seconds} s"));
                }
            }
        }
    };
    shutdown.run_until_cancelled(looking).await;
}

/// Looks at the broker until `shutdown`, and says that it is not ready once it could not be had for as long as the
/// patience.
pub async fn watch_broker(
    watch: &WatchBroker,
    patience: Duration,
    readiness: &Readiness,
    shutdown: CancellationToken,
) {
    let mut ticks = interval((patience / 3).clamp(BROKER_INTERVALS.0, BROKER_INTERVALS.1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let looking = async {
        loop {
            ticks.tick().await;
            match watch.execute().await {
                Ok(()) => readiness.ready(BROKER),
                Err(failure) => readiness.failed(BROKER, patience, in_words(&failure)),
            }
        }
    };
    shutdown.run_until_cancelled(looking).await;
}

/// What keeps the relay from its work.
fn obstacle(relaying: Relaying<'_>, progress: RelayProgress, stuck_after: Duration) -> Option<String> {
    let trouble = relaying.health.trouble();
    match (progress, trouble) {
        (RelayProgress::Stuck(waited), trouble) => {
            let why = match trouble {
                Some((_since, cause)) => cause,
                None if !relaying.relay.is_active() => "another relay holds the lock".to_owned(),
                None => "nothing has failed yet; the broker or the database has not answered".to_owned(),
            };
            Some(format!("the oldest change has not been published for {} s: {why}", waited.as_secs()))
        }
        (RelayProgress::Moving, Some((since, cause))) if since > stuck_after => {
            Some(format!("the relay has failed for {} s: {cause}", since.as_secs()))
        }
        (RelayProgress::Moving, _) => None,
    }
}
