//! [`consume_loop`] with consumers that no broker would be.

use std::sync::Arc;

use async_trait::async_trait;
use notifier_service::entities::ReceivedRecord;
use notifier_service::interactors::RecordUserEvents;
use notifier_service::transport::{ConsumeError, EventConsumer, Wake, consume_loop};
use telemetry::Tracer;
use tokio_util::sync::CancellationToken;

use crate::support::DEADLINE;
use crate::support::counters;
use crate::support::fakes::{InMemoryDeadLetters, SteppedClock};
use crate::support::in_memory_ledger::InMemoryLedger;

/// Its broker is away: nothing comes, and leaving does not end.
struct Stuck;

#[async_trait]
impl EventConsumer for Stuck {
    async fn next_batch(&mut self) -> Result<Vec<ReceivedRecord>, ConsumeError> {
        std::future::pending().await
    }

    async fn commit(&mut self, _batch: &[ReceivedRecord]) -> Result<(), ConsumeError> {
        Ok(())
    }

    async fn close(self: Box<Self>) -> Result<(), ConsumeError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_cannot_leave_does_not_hold_up_the_stop() {
    let ledger = InMemoryLedger::new(Arc::new(SteppedClock::default()));
    let record = RecordUserEvents::new(ledger, Arc::new(InMemoryDeadLetters::default()));
    let (wake, counters, shutdown) = (Wake::default(), counters(), CancellationToken::new());
    shutdown.cancel();
    let silent = Tracer::silent();
    let ended = consume_loop(Box::new(Stuck), &record, &wake, &silent, &counters, &shutdown);
    tokio::time::timeout(DEADLINE, ended).await.expect("an end in time");
}
