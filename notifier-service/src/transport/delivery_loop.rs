use std::error::Error;
use std::time::Duration;

use telemetry::Tracer;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::{Counters, Wake, told};
use crate::entities::{BreakerChange, DialogueStage};
use crate::interactors::{DeliverNotifications, Delivery, Ending};

/// How a worker paces itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryPace {
    /// How often it looks for what became due or was recorded by another process.
    pub poll_interval: Duration,
    /// The first pause after the ledger was found to be unavailable; doubles.
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

/// One worker: sends up to `side_by_side` mails at once and claims more whenever one has ended, so that a slow
/// one takes up its own place and nobody else's. With nothing due it waits to be woken or for the poll
/// interval. Any number may run side by side.
///
/// After `shutdown` it claims nothing more and returns when what it had claimed is dealt with.
///
/// # Panics
///
/// When a delivery panicked.
pub async fn delivery_loop(
    deliver: &DeliverNotifications,
    side_by_side: u32,
    recorded: &Wake,
    pace: DeliveryPace,
    tracer: &Tracer,
    counters: &Counters,
    shutdown: &CancellationToken,
) {
    let mut backoff = Backoff::new(pace.first_pause, pace.longest_pause);
    let mut sending = JoinSet::new();
    while !shutdown.is_cancelled() {
        let mut pause = None;
        match deliver.execute(room(&sending, side_by_side)).await {
            Ok(round) => {
                backoff.reset();
                pause = round.pause;
                for delivery in round.deliveries {
                    let (tracer, began) = (tracer.clone(), tracer.moment());
                    sending.spawn(async move {
                        let delivery = delivery.await;
                        told::delivered(&tracer, &delivery, began);
                        delivery
                    });
                }
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "waiting for the ledger");
                backoff.pause(shutdown).await;
            }
        }
        // Either something due may have been left for want of room, or nothing is due: whatever ends makes
        // room, and perhaps the next mail to its address due. While there is no mail server, what is recorded
        // is no reason to look; that there is one again may show before the pause is over.
        let has_room = room(&sending, side_by_side) > 0;
        let wait = pause.map_or(pace.poll_interval, |pause| pause.min(pace.poll_interval));
        tokio::select! {
            Some(ended) = sending.join_next() => finished(ended, counters),
            () = recorded.woken(), if has_room && pause.is_none() => {}
            () = tokio::time::sleep(wait), if has_room => {}
            () = shutdown.cancelled() => {}
        }
        while let Some(ended) = sending.try_join_next() {
            finished(ended, counters);
        }
    }
    deliver.stop_waiting();
    while let Some(ended) = sending.join_next().await {
        finished(ended, counters);
    }
}

/// How many more mails may be sent at once.
fn room(sending: &JoinSet<Delivery>, side_by_side: u32) -> u32 {
    side_by_side.saturating_sub(u32::try_from(sending.len()).unwrap_or(u32::MAX))
}

/// Logs and counts a delivery that ended; passes its panic on.
fn finished(ended: Result<Delivery, JoinError>, counters: &Counters) {
    match ended {
        Ok(delivery) => {
            counters.delivered(&delivery);
            log_one(&delivery);
        }
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // Cancelled by the end of the runtime.
        Err(_) => {}
    }
}

fn log_one(delivery: &Delivery) {
    let Delivery {
        id, kind, user_id, recipient, traceparent, attempt, ending, not_recorded, breaker, ..
    } = delivery;
    let trace_id = told::trace_id(traceparent.as_deref());
    let span = tracing::info_span!("delivery", %id, kind = kind.as_str(), %user_id, recipient, traceId = trace_id, attempt);
    let _entered = span.enter();
    match ending {
        Ending::Sent(answer) => tracing::info!(words = answer.words, "sent"),
        Ending::PutOff { after, answer } => tracing::warn!(?after, words = answer.words, "put off"),
        Ending::Dead(answer) => tracing::error!(words = answer.words, "given up"),
        // The breaker tells it once for all mails that met the same trouble.
        Ending::ServerUnavailable(answer) => {
            tracing::debug!(words = answer.words, "not sent, no mail server");
        }
        Ending::Released => tracing::debug!("put back"),
        Ending::LeaseLost => tracing::warn!("left to another worker, which took it over"),
    }
    match (breaker, ending) {
        (Some(BreakerChange::Opened), Ending::ServerUnavailable(answer)) => tracing::error!(
            stage = answer.stage.map(DialogueStage::as_str),
            words = answer.words,
            "the mail server cannot be had: all mail waits until it can"
        ),
        (Some(BreakerChange::Closed(after)), _) => tracing::info!(?after, "the mail server is back"),
        (Some(BreakerChange::Opened) | None, _) => {}
    }
    if let Some(error) = not_recorded {
        tracing::error!(
            error = error as &dyn Error,
            "the outcome is not recorded, so it will be tried again"
        );
    }
}
