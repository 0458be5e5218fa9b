use std::error::Error;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::interactors::{Tidied, TidyLedger};

/// Between two steps of one round, so that nobody else has to wait for long.
const PAUSE: Duration = Duration::from_millis(100);

/// Tidies the ledger at once and then so often, until `shutdown`. A failure ends the round and nothing else.
pub async fn housekeeping_loop(tidy: &TidyLedger, interval: Duration, shutdown: &CancellationToken) {
    let rounds = async {
        loop {
            round(tidy).await;
            tokio::time::sleep(interval).await;
        }
    };
    tokio::select! {
        () = rounds => {}
        // What is under way is undone.
        () = shutdown.cancelled() => {}
    }
}

async fn round(tidy: &TidyLedger) {
    loop {
        match tidy.execute().await {
            Ok(tidied) if tidied.is_some() => {
                let Tidied { of_deleted_users, erased, forgotten, .. } = tidied;
                tracing::info!(of_deleted_users, erased, forgotten, "tidied the ledger");
            }
            Ok(tidied) => {
                if tidied.still_on_the_topic {
                    tracing::debug!("the topic holds records that are older than ids are kept for");
                }
                return;
            }
            Err(error) => return tracing::warn!(error = &error as &dyn Error, "the ledger has to wait"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
