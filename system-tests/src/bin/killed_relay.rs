//! A relay of the parts that `user-service relay` has, which kills itself (SIGKILL) at one point of its work:
//! `killed_relay DATABASE_URL CAPTURE BROKERS TOPIC [POINT]`. Without a point it lives on.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use kafka_connection::KafkaConnection;
use rustix::process::{Signal, getpid, kill_process};
use shared_kernel::{NewerEvent, UserEvent};
use system_tests::{KillPoint, Moment, Step};
use tokio_util::sync::CancellationToken;
use user_service::data_sources::{
    KafkaEventPublisher, MySqlBinlogOutboxChangeFeed, MySqlBinlogUsersChangeFeed, MySqlDatabase,
    MySqlOutboxChangeFeed, SystemClock,
};
use user_service::interactors::RelayChanges;
use user_service::repositories::{
    AdapterError, CapturedChange, ChangeFeed, ChangeFeedError, EventPublisher, PublishError,
};
use user_service::transport::RelayHealth;
use user_service::transport::relay_loop::{self, RelayTiming};

/// Small, so that the writer of a test is never far ahead.
const BATCH: usize = 7;
/// How often the polled feed looks, and the one that follows the log looks for what did not come by it.
const INTERVAL: Duration = Duration::from_millis(200);
/// In bytes.
const LARGEST_EVENT: usize = 64 * 1024 * 1024;
const PUBLISH_DEADLINE: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<(), AdapterError> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [url, capture, brokers, topic, point @ ..] = &arguments[..] else {
        return Err("usage: killed_relay DATABASE_URL CAPTURE BROKERS TOPIC [POINT]".into());
    };
    let death = match point {
        [] => None,
        [point, ..] => Some(point.parse()?),
    };
    let database = MySqlDatabase::connect_lazy(url, 4)?;
    let feed: Arc<dyn ChangeFeed> = match capture.as_str() {
        "outbox-binlog" => Arc::new(MySqlBinlogOutboxChangeFeed::new(database, url, INTERVAL)?),
        "users-table" => Arc::new(MySqlBinlogUsersChangeFeed::new(database, url, LARGEST_EVENT)?),
        "outbox-polled" => Arc::new(MySqlOutboxChangeFeed::new(database, INTERVAL)),
        other => return Err(format!("there is no capture {other}").into()),
    };
    let publisher =
        Arc::new(KafkaEventPublisher::new(&KafkaConnection::in_the_clear(brokers), topic, PUBLISH_DEADLINE));
    let steps = Arc::new(Steps { death, reads: 0.into(), publishings: 0.into(), acknowledgements: 0.into() });
    let feed = Arc::new(MortalFeed { feed, steps: Arc::clone(&steps) });
    let publisher = Arc::new(MortalPublisher { publisher, steps });
    let relay = RelayChanges::new(feed, publisher, Arc::new(SystemClock), BATCH);
    relay_loop::run(&relay, RelayTiming::default(), &RelayHealth::default(), CancellationToken::new()).await;
    Ok(())
}

/// Counts the steps and knows at which the process is to die.
struct Steps {
    death: Option<KillPoint>,
    reads: AtomicU32,
    publishings: AtomicU32,
    acknowledgements: AtomicU32,
}

impl Steps {
    /// Takes a step, of which `half` would be the half, unless the process dies. It counts when that says so of what
    /// came of it.
    async fn take<T>(
        &self,
        step: Step,
        half: impl Future,
        whole: impl Future<Output = T>,
        counts: impl Fn(&T) -> bool,
    ) -> T {
        let begun = match step {
            Step::Read => &self.reads,
            Step::Publish => &self.publishings,
            Step::Acknowledge => &self.acknowledgements,
        };
        // Before anything is waited for: steps may overlap.
        let number = begun.fetch_add(1, Ordering::SeqCst);
        let of_this_kind = self.death.filter(|point| point.step == step);
        let moment = of_this_kind.filter(|point| point.begun_before == number).map(|point| point.moment);
        if of_this_kind.is_some_and(|point| point.moment == Moment::Halfway && point.begun_before < number) {
            // Behind the other half, which is never begun.
            pending::<Infallible>().await;
        }
        match moment {
            Some(Moment::Before) => die(),
            Some(Moment::During(polls)) => match die_after(polls, whole).await {},
            Some(Moment::Halfway) => {
                half.await;
                die();
            }
            Some(Moment::After) | None => {}
        }
        let outcome = whole.await;
        if !counts(&outcome) {
            begun.fetch_sub(1, Ordering::SeqCst);
        } else if moment.is_some() {
            die();
        }
        outcome
    }
}

fn die() -> ! {
    kill_process(getpid(), Signal::KILL).expect("a process may kill itself");
    unreachable!("a process that was killed does not go on")
}

/// Polls so often, or until it is ready, and dies.
async fn die_after(polls: u32, step: impl Future) -> Infallible {
    let (mut step, mut left) = (pin!(step), polls);
    poll_fn(|context| {
        if left == 0 || step.as_mut().poll(context).is_ready() {
            die();
        }
        left -= 1;
        Poll::Pending
    })
    .await
}

struct MortalFeed {
    feed: Arc<dyn ChangeFeed>,
    steps: Arc<Steps>,
}

#[async_trait]
impl ChangeFeed for MortalFeed {
    async fn next(&self, max: usize, wait: Duration) -> Result<Vec<CapturedChange>, ChangeFeedError> {
        let read = self.feed.next(max, wait);
        let found = |read: &Result<Vec<_>, _>| read.as_ref().is_ok_and(|changes| !changes.is_empty());
        self.steps.take(Step::Read, async {}, read, found).await
    }

    async fn acknowledge(&self, positions: &[i64]) -> Result<(), ChangeFeedError> {
        let half = self.feed.acknowledge(&positions[..positions.len() / 2]);
        let whole = self.feed.acknowledge(positions);
        self.steps.take(Step::Acknowledge, half, whole, Result::is_ok).await
    }

    async fn bury(&self, position: i64, reason: &str) -> Result<(), ChangeFeedError> {
        self.feed.bury(position, reason).await
    }

    fn rewind(&self) {
        self.feed.rewind();
    }
}

struct MortalPublisher {
    publisher: Arc<dyn EventPublisher>,
    steps: Arc<Steps>,
}

#[async_trait]
impl EventPublisher for MortalPublisher {
    async fn publish(&self, events: &[UserEvent]) -> Result<(), PublishError> {
        let (half, whole) =
            (self.publisher.publish(&events[..events.len() / 2]), self.publisher.publish(events));
        self.steps.take(Step::Publish, half, whole, Result::is_ok).await
    }

    async fn publish_newer(&self, event: &NewerEvent) -> Result<(), PublishError> {
        self.publisher.publish_newer(event).await
    }
}
