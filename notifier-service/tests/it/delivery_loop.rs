//! [`delivery_loop`] over a ledger and a mail server in memory.

use std::sync::Arc;
use std::time::Duration;

use notifier_service::data_sources::UnlimitedSendRate;
use notifier_service::entities::{BreakerPace, DeliveryPolicy, LinkLifetimes, RetrySchedule};
use notifier_service::interactors::{DeliverNotifications, DeliveryPorts};
use notifier_service::repositories::{LedgerCounts, NotificationLedger};
use notifier_service::transport::{DeliveryPace, Wake, delivery_loop};
use telemetry::Tracer;
use tokio_util::sync::CancellationToken;

use crate::support::counters;
use crate::support::events::notification;
use crate::support::eventually;
use crate::support::fakes::{FakeMailServer, NoJitter, PlainRenderer, SteppedClock};
use crate::support::in_memory_ledger::InMemoryLedger;

#[tokio::test]
async fn a_mail_that_takes_long_takes_up_its_own_place_and_nobody_elses() {
    let clock = Arc::new(SteppedClock::default());
    let ledger = InMemoryLedger::new(clock.clone());
    let server = Arc::new(FakeMailServer::default());
    server.hang("slow@example.org");
    let mut batch = vec![notification(1, 1, "slow@example.org")];
    batch.extend((2..=20).map(|number| notification(number, number % 3, "quick@example.org")));
    ledger.record(&batch).await.unwrap();
    let policy = DeliveryPolicy {
        lease: Duration::from_secs(60),
        send_limit: Duration::from_secs(15),
        record_limit: Duration::from_secs(5),
        retry: RetrySchedule::default(),
        breaker: BreakerPace::default(),
        suppress_for: Duration::ZERO,
        links: LinkLifetimes::default(),
    };
    let ports = DeliveryPorts {
        ledger: ledger.clone(),
        suppressed: ledger.clone(),
        renderer: Arc::new(PlainRenderer::default()),
        mailer: server,
        rate: Arc::new(UnlimitedSendRate),
        jitter: Arc::new(NoJitter),
        clock,
    };
    let deliver = DeliverNotifications::new(ports, policy);
    let (wake, counters, shutdown) = (Wake::default(), counters(), CancellationToken::new());
    let all_but_the_slow_one = LedgerCounts { queued: 1, sent: 19, dead: 0 };
    let silent = Tracer::silent();
    tokio::select! {
        () = delivery_loop(&deliver, 2, &wake, DeliveryPace::default(), &silent, &counters, &shutdown) => panic!("it ended"),
        () = eventually("every quick mail", async || {
            (ledger.counts().await.unwrap() == all_but_the_slow_one).then_some(())
        }) => {}
    }
}
