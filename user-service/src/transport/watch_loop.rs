//! Looks again and again whether the process can do its work, and tells when it cannot.

use std::time::Duration;

use shared_kernel::in_words;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::Readiness;
use crate::interactors::{RelayProgress, WatchOutbox};

/// The part that the outbox is in.
pub const DATABASE: &str = "database";
const RELAY: &str = "relay";

/// So often.
const INTERVAL: Duration = Duration::from_secs(2);

/// Looks until `shutdown`. What is stuck in the outbox counts against this process only where it `relays`.
pub async fn run(watch: &WatchOutbox, readiness: &Readiness, relays: bool, shutdown: CancellationToken) {
    let begun = Instant::now();
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let looking = async {
        loop {
            ticks.tick().await;
            match watch.execute(begun.elapsed()).await {
                Ok(progress) => {
                    database_answers(readiness);
                    if relays {
                        tell(readiness, progress);
                    }
                }
                Err(failure) => {
                    let cause = in_words(&failure);
                    if readiness.not_ready(DATABASE, cause.clone()) {
                        error!(cause, "not ready: the database does not answer");
                    }
                }
            }
        }
    };
    shutdown.run_until_cancelled(looking).await;
}

fn database_answers(readiness: &Readiness) {
    if readiness.ready(DATABASE) {
        info!("ready: the database answers");
    }
}

fn tell(readiness: &Readiness, progress: RelayProgress) {
    match progress {
        RelayProgress::Moving => {
            if readiness.ready(RELAY) {
                info!("ready: changes are published again");
            }
        }
        RelayProgress::Stuck(waited) => {
            let waited = waited.as_secs();
            let reason = format!("the oldest change has not been published for {waited} s");
            if readiness.not_ready(RELAY, reason) {
                error!(waited_s = waited, "not ready: changes are not published");
            }
        }
    }
}
