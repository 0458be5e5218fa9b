use std::error::Error;
use std::time::Duration;

use telemetry::{Moment, Tracer};
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::{Counters, EventConsumer, Wake, told};
use crate::entities::ReceivedRecord;
use crate::interactors::RecordUserEvents;

/// The first pause after a failure; doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// No pause is longer: this bounds how long mail still waits once the database or the broker is back.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long leaving the group may take. The workers stop after us: while a broker that is away was waited for,
/// they would go on until they are cut off in the middle of a mail.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// Records what the consumer reads, batch after batch, until `shutdown`.
///
/// A batch that cannot be recorded is tried again, for ever: going on would lose it. At shutdown the batch
/// in hand is finished if that needs no waiting, else it is left to the next member of the group; then the
/// consumer is closed, for which it has five seconds.
pub async fn consume_loop(
    mut consumer: Box<dyn EventConsumer>,
    record: &RecordUserEvents,
    recorded: &Wake,
    tracer: &Tracer,
    counters: &Counters,
    shutdown: &CancellationToken,
) {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        let next = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            next = consumer.next_batch() => next,
        };
        match next {
            Ok(batch) => {
                backoff.reset();
                let read = Read { batch, at: tracer.moment() };
                finish(consumer.as_mut(), &read, record, recorded, tracer, counters, shutdown).await;
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "waiting for the broker");
                backoff.pause(shutdown).await;
            }
        }
    }
    match tokio::time::timeout(CLOSE_LIMIT, consumer.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(error = &error as &dyn Error, "the consumer left without saying so");
        }
        Err(_) => tracing::warn!("the consumer could not leave in time; others take over after a time"),
    }
}

/// A batch, and when it was read.
struct Read {
    batch: Vec<ReceivedRecord>,
    at: Moment,
}

/// Records and commits one batch, trying again until both succeeded or `shutdown`.
async fn finish(
    consumer: &mut dyn EventConsumer,
    read: &Read,
    record: &RecordUserEvents,
    recorded: &Wake,
    tracer: &Tracer,
    counters: &Counters,
    shutdown: &CancellationToken,
) {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    while !record_batch(read, record, recorded, tracer, counters).await {
        backoff.pause(shutdown).await;
        if shutdown.is_cancelled() {
            return;
        }
    }
    backoff.reset();
    while let Err(error) = consumer.commit(&read.batch).await {
        tracing::warn!(error = &error as &dyn Error, "recorded, but the offsets are not stored yet");
        backoff.pause(shutdown).await;
        if shutdown.is_cancelled() {
            return;
        }
    }
}

/// Whether every record of the batch is safe.
async fn record_batch(
    read: &Read,
    record: &RecordUserEvents,
    recorded: &Wake,
    tracer: &Tracer,
    counters: &Counters,
) -> bool {
    let Read { batch, at } = read;
    match record.execute(batch).await {
        Ok(outcome) => {
            counters.recorded(&outcome);
            if outcome.new > 0 {
                recorded.wake();
            }
            told::recorded(tracer, batch, &outcome.set_aside, *at);
            for letter in &outcome.set_aside {
                tracing::error!(place = %letter.place, reason = letter.reason, "a record went to the dead letters");
            }
            tracing::debug!(records = batch.len(), new = outcome.new, "recorded");
            true
        }
        Err(error) if error.is_retryable() => {
            tracing::warn!(error = &error as &dyn Error, "a batch waits to be recorded");
            false
        }
        Err(error) => {
            tracing::error!(
                error = &error as &dyn Error,
                "a batch cannot be recorded and holds up its partitions"
            );
            false
        }
    }
}
