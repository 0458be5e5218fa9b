//! Clears away what has expired, from time to time, until it is told to stop.

use std::time::Duration;

use shared_kernel::in_words;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::interactors::{RemoveExpired, Removed};

/// Between two steps of one round, so that nobody else has to wait for long.
const PAUSE: Duration = Duration::from_millis(100);

/// Begins a round at once and then so often, until `shutdown`. A failure ends the round and nothing else.
pub async fn run(remove: &RemoveExpired, interval: Duration, shutdown: CancellationToken) {
    let rounds = async {
        loop {
            round(remove).await;
            sleep(interval).await;
        }
    };
    tokio::select! {
        () = rounds => {}
        // What is under way is undone.
        () = shutdown.cancelled() => {}
    }
}

async fn round(remove: &RemoveExpired) {
    loop {
        match remove.execute().await {
            Ok(removed) => {
                let Removed { sessions, answers, accounts, failed } = removed;
                if failed > 0 {
                    error!(failed, "accounts that nobody confirmed could not be removed");
                }
                if !removed.is_some() {
                    return;
                }
                info!(sessions, answers, accounts, "removed what had expired");
            }
            Err(failure) => return warn!(cause = in_words(&failure), "what has expired has to wait"),
        }
        sleep(PAUSE).await;
    }
}
