use std::error::Error;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Wake;
use super::backoff::Backoff;
use crate::interactors::{DeliverNotifications, Delivery, DeliveryOutcome, Ending};

/// How a worker paces itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryPace {
    /// How often it looks for what became due or was recorded by another process.
    pub poll_interval: Duration,
    /// The first pause after the mail server or the ledger was found to be unavailable; doubles.
    pub first_pause: Duration,
    /// No such pause is longer.
    pub longest_pause: Duration,
}

impl Default for DeliveryPace {
    /// Looks twice a second; pauses from half a second to half a minute.
    fn default() -> Self {
        Self {
            poll_interval: Duration::from_millis(500),
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
        }
    }
}

/// One worker: delivers step by step while there is something due, else waits to be woken or for the poll
/// interval. Any number may run side by side.
///
/// After `shutdown` it claims nothing more and returns when what it had claimed is dealt with.
pub async fn delivery_loop(
    deliver: &DeliverNotifications,
    recorded: &Wake,
    pace: DeliveryPace,
    shutdown: &CancellationToken,
) {
    let mut backoff = Backoff::new(pace.first_pause, pace.longest_pause);
    while !shutdown.is_cancelled() {
        match deliver.execute().await {
            Ok(outcome) => {
                log(&outcome);
                if outcome.server_unavailable() {
                    backoff.pause(shutdown).await;
                    continue;
                }
                backoff.reset();
                if outcome.claimed() == 0 {
                    tokio::select! {
                        () = shutdown.cancelled() => {}
                        () = recorded.woken() => {}
                        () = tokio::time::sleep(pace.poll_interval) => {}
                    }
                }
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "waiting for the ledger");
                backoff.pause(shutdown).await;
            }
        }
    }
}

fn log(outcome: &DeliveryOutcome) {
    for delivery in &outcome.deliveries {
        log_one(delivery);
    }
}

fn log_one(delivery: &Delivery) {
    let Delivery { id, kind, user_id, recipient, traceparent, ending, not_recorded } = delivery;
    let span = tracing::info_span!("delivery", %id, kind = kind.as_str(), %user_id, recipient, traceparent);
    let _entered = span.enter();
    match ending {
        Ending::Sent => tracing::info!("sent"),
        Ending::PutOff { after, words } => tracing::warn!(?after, words, "put off"),
        Ending::Dead { words } => tracing::error!(words, "given up"),
        Ending::ServerUnavailable { words } => tracing::warn!(words, "the mail server is not available"),
        Ending::Released => tracing::debug!("put back"),
    }
    if let Some(error) = not_recorded {
        tracing::error!(
            error = error as &dyn Error,
            "the outcome is not recorded, so it will be tried again"
        );
    }
}
