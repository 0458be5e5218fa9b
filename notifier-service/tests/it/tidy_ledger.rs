//! [`TidyLedger`] against a ledger in memory.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use notifier_service::entities::{Answer, Retention};
use notifier_service::interactors::{Tidied, TidyError, TidyLedger};
use notifier_service::repositories::{EventHistory, EventHistoryError, NotificationLedger};

use crate::support::events::notification;
use crate::support::fakes::SteppedClock;
use crate::support::in_memory_ledger::InMemoryLedger;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const RETENTION: Retention =
    Retention { personal_data: DAY.saturating_mul(30), ids: DAY.saturating_mul(365) };

/// A topic whose oldest record is known, or of which nobody tells.
#[derive(Default)]
struct Topic {
    oldest: Mutex<Option<DateTime<Utc>>>,
    is_away: Mutex<bool>,
}

#[async_trait]
impl EventHistory for Topic {
    async fn reaches_before(&self, time: DateTime<Utc>) -> Result<bool, EventHistoryError> {
        if *self.is_away.lock().unwrap() {
            return Err(EventHistoryError("the broker is away".into()));
        }
        Ok(self.oldest.lock().unwrap().is_some_and(|oldest| oldest < time))
    }
}

struct World {
    clock: Arc<SteppedClock>,
    ledger: Arc<InMemoryLedger>,
    topic: Arc<Topic>,
    tidy: TidyLedger,
}

/// One mail was sent on the first day.
async fn world() -> World {
    let clock = Arc::new(SteppedClock::default());
    let ledger = InMemoryLedger::new(clock.clone());
    let topic = Arc::new(Topic::default());
    let tidy = TidyLedger::new(ledger.clone(), topic.clone(), RETENTION);
    ledger.record(&[notification(1, 1, "a@example.org")]).await.unwrap();
    let claimed = ledger.claim(1, DAY).await.unwrap().pop().unwrap();
    ledger.mark_sent(&claimed.lease, &Answer::ours("250 ok")).await.unwrap();
    World { clock, ledger, topic, tidy }
}

impl World {
    /// Steps until nothing is left to do, and tells what was done.
    async fn tidy(&self) -> Result<Tidied, TidyError> {
        let mut all = Tidied::default();
        loop {
            let step = self.tidy.execute().await?;
            all.erased += step.erased;
            all.forgotten += step.forgotten;
            all.still_on_the_topic = step.still_on_the_topic;
            if !step.is_some() {
                return Ok(all);
            }
        }
    }

    fn after(&self, days: u32) {
        self.clock.advance(DAY * days);
    }
}

fn done(erased: u64, forgotten: u64) -> Tidied {
    Tidied { erased, forgotten, ..Tidied::default() }
}

#[tokio::test]
async fn each_has_its_time() {
    let world = world().await;
    world.after(29);
    assert_eq!(world.tidy().await.unwrap(), done(0, 0));
    world.after(1);
    assert_eq!(world.tidy().await.unwrap(), done(1, 0));
    world.after(364);
    assert_eq!(world.tidy().await.unwrap(), done(0, 0));
    world.after(1);
    assert_eq!(world.tidy().await.unwrap(), done(0, 1));
    assert!(world.ledger.rows().is_empty());
}

#[tokio::test]
async fn what_the_topic_could_bring_again_is_not_forgotten() {
    let world = world().await;
    *world.topic.oldest.lock().unwrap() = Some(DateTime::UNIX_EPOCH);
    world.after(30);
    world.tidy().await.unwrap();
    world.after(365);
    let kept = Tidied { still_on_the_topic: true, ..Tidied::default() };
    assert_eq!(world.tidy().await.unwrap(), kept);
    // Clocks differ: a record of about the same time may be this mail's.
    *world.topic.oldest.lock().unwrap() = Some(DateTime::UNIX_EPOCH + DAY - Duration::from_secs(1));
    assert_eq!(world.tidy().await.unwrap(), kept);
    *world.topic.oldest.lock().unwrap() = Some(DateTime::UNIX_EPOCH + DAY);
    assert_eq!(world.tidy().await.unwrap(), done(0, 1));
}

#[tokio::test]
async fn while_the_broker_does_not_tell_nothing_is_forgotten() {
    let world = world().await;
    *world.topic.is_away.lock().unwrap() = true;
    world.after(30);
    assert_eq!(world.tidy().await.unwrap(), done(1, 0), "for that nobody needs the broker");
    world.after(365);
    assert!(matches!(world.tidy().await, Err(TidyError::History(_))));
    *world.topic.is_away.lock().unwrap() = false;
    assert_eq!(world.tidy().await.unwrap(), done(0, 1));
}

#[tokio::test]
async fn while_the_ledger_is_away_it_is_left_as_it_is() {
    let world = world().await;
    world.after(30);
    world.ledger.fail_next(1);
    assert!(matches!(world.tidy().await, Err(TidyError::Ledger(_))));
    assert_eq!(world.tidy().await.unwrap(), done(1, 0));
}
