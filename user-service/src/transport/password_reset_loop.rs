//! Answers requests for a password reset, until it is told to stop.

use std::time::Duration;

use shared_kernel::in_words;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::backoff::Backoff;
use crate::interactors::AnswerPasswordResets;

/// How long a step waits for a request before it looks whether to stop.
const WAIT: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Answers what comes, until `shutdown`. Failures never end it; what is not answered stays where it is.
pub async fn run(answer: &AnswerPasswordResets, shutdown: CancellationToken) {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        // A step that is cut off is undone, and comes again after the next start.
        let step = tokio::select! {
            step = answer.execute(WAIT) => step,
            () = shutdown.cancelled() => return,
        };
        match step {
            Ok(0) => backoff.reset(),
            Ok(requests) => {
                backoff.reset();
                debug!(requests, "answered requests for a password reset");
            }
            Err(failure) => {
                let retry_in_ms = backoff.next().as_millis();
                warn!(cause = in_words(&failure), retry_in_ms, "requests for a password reset have to wait");
                backoff.pause(&shutdown).await;
            }
        }
    }
}
