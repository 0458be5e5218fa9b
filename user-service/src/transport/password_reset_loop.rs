//! Answers requests for a password reset, until it is told to stop.

use std::time::Duration;

use shared_kernel::in_words;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::backoff::Backoff;
use crate::interactors::AnswerPasswordResets;

/// At fixed moments and not when a request comes: what is written for a known address would make the next call a
/// little slower, and so tell.
const TICK: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Answers what has come, once a second, until `shutdown`. Failures never end it; what is not answered stays where it
/// is.
pub async fn run(answer: &AnswerPasswordResets, shutdown: CancellationToken) {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let step = async {
            ticks.tick().await;
            answer.execute().await
        };
        // A step that is cut off is undone, and comes again after the next start.
        let step = tokio::select! {
            step = step => step,
            () = shutdown.cancelled() => return,
        };
        match step {
            Ok(answered) => {
                backoff.reset();
                for failure in answered.given_up {
                    error!(cause = in_words(&failure), "a request for a password reset was given up");
                }
                if answered.requests > 0 {
                    debug!(requests = answered.requests, "answered requests for a password reset");
                }
            }
            Err(failure) => {
                let retry_in_ms = backoff.next().as_millis();
                warn!(cause = in_words(&failure), retry_in_ms, "requests for a password reset have to wait");
                backoff.pause(&shutdown).await;
            }
        }
    }
}
