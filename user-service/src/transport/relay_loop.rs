//! Runs the relay until it is told to stop.

use std::future::pending;
use std::time::Duration;

use shared_kernel::in_words;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::RelayHealth;
use super::backoff::Backoff;
use crate::interactors::RelayChanges;

/// How the relay's loop waits and stops.
#[derive(Debug, Clone, Copy)]
pub struct RelayTiming {
    /// How long a call waits for a change before it returns to look around.
    pub idle_wait: Duration,
    /// The first pause after a failure; each further one is twice as long.
    pub first_backoff: Duration,
    /// The longest pause after a failure.
    pub longest_backoff: Duration,
    /// How long it goes on publishing what is committed after it was told to stop.
    pub drain: Duration,
}

impl Default for RelayTiming {
    fn default() -> Self {
        Self {
            idle_wait: Duration::from_millis(200),
            first_backoff: Duration::from_millis(100),
            longest_backoff: Duration::from_secs(10),
            drain: Duration::from_secs(1),
        }
    }
}

/// Relays until `shutdown`, then publishes what is already committed within the drain time and returns.
/// Failures never end it: it says what failed, to the `health` as well, and tries again, ever more slowly.
pub async fn run(
    relay: &RelayChanges,
    timing: RelayTiming,
    health: &RelayHealth,
    shutdown: CancellationToken,
) {
    let mut backoff = Backoff::new(timing.first_backoff, timing.longest_backoff);
    while !shutdown.is_cancelled() {
        // Not cut off by the shutdown at once: what is being published would be published again after the
        // next start.
        let out_of_time = async {
            shutdown.cancelled().await;
            sleep(timing.drain).await;
        };
        let step = tokio::select! {
            step = relay.execute(timing.idle_wait, shutdown.cancelled()) => step,
            () = out_of_time => return warn!("the relay stops; what it was publishing may be published again"),
        };
        match step {
            Ok(outcome) => {
                backoff.reset();
                health.recovered();
                if outcome.buried > 0 {
                    error!(
                        buried = outcome.buried,
                        "changes that can never be published were set aside in deadOutbox"
                    );
                }
                if outcome.published > 0 {
                    debug!(published = outcome.published, "relayed");
                }
            }
            Err(failure) => {
                let (cause, retry_in_ms) = (in_words(&failure), backoff.next().as_millis());
                health.failed(cause.clone());
                if failure.is_retryable() {
                    warn!(cause, retry_in_ms, "the relay is held up");
                } else {
                    error!(cause, retry_in_ms, "the relay cannot go on without help");
                }
                backoff.pause(&shutdown).await;
            }
        }
    }
    drain(relay, timing.drain).await;
}

async fn drain(relay: &RelayChanges, limit: Duration) {
    let deadline = Instant::now() + limit;
    loop {
        match tokio::time::timeout_at(deadline, relay.execute(Duration::ZERO, pending())).await {
            Ok(Ok(outcome)) if outcome.is_idle() => {
                return info!("the relay has published all that was committed");
            }
            Ok(Ok(_)) => {}
            Ok(Err(failure)) => {
                return warn!(cause = in_words(&failure), "the relay stops with changes left in the outbox");
            }
            Err(_elapsed) => {
                return warn!("the relay stops; what is left in the outbox goes out after the next start");
            }
        }
    }
}
