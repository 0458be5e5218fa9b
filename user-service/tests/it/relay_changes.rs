//! `RelayChanges` between a feed and a topic that keep state and fail when told to.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::test_runner::Config;
use shared_kernel::{EventId, NewerEvent, UserEvent, UserId};
use tokio::sync::Notify;
use user_service::data_sources::SystemClock;
use user_service::interactors::{RelayChanges, RelayError, RelayOutcome};
use user_service::repositories::{
    CapturedChange, ChangeFeed, ChangeFeedError, Content, EventPublisher, PublishError, PublishFailure,
};
use uuid::Uuid;

use crate::support::people::{new_name, new_stamp, person, updates_of};
use crate::support::waiting::soon;

/// Changes in order, until they are acknowledged or buried.
#[derive(Default)]
struct FakeFeed {
    changes: Mutex<Vec<CapturedChange>>,
    /// The position of the last one that was returned.
    returned: Mutex<i64>,
    buried: Mutex<Vec<(i64, String)>>,
    /// How the next acknowledgements end; without a word, well.
    acknowledgements: Mutex<VecDeque<bool>>,
    stuck: AtomicBool,
    reached: Notify,
}

impl FakeFeed {
    fn of(contents: impl IntoIterator<Item = Content>) -> Arc<Self> {
        let changes =
            (1..).zip(contents).map(|(position, content)| CapturedChange { position, content }).collect();
        Arc::new(Self { changes: Mutex::new(changes), ..Self::default() })
    }

    fn of_events(events: &[UserEvent]) -> Arc<Self> {
        Self::of(events.iter().map(|event| Content::Event(Box::new(event.clone()))))
    }

    fn left(&self) -> Vec<i64> {
        self.changes.lock().unwrap().iter().map(|change| change.position).collect()
    }

    fn buried(&self) -> Vec<i64> {
        self.buried.lock().unwrap().iter().map(|(position, _)| *position).collect()
    }
}

#[async_trait]
impl ChangeFeed for FakeFeed {
    async fn next(&self, max: usize, _wait: Duration) -> Result<Vec<CapturedChange>, ChangeFeedError> {
        let mut returned = self.returned.lock().unwrap();
        let changes = self.changes.lock().unwrap();
        let next: Vec<_> =
            changes.iter().filter(|change| change.position > *returned).take(max).cloned().collect();
        *returned = next.last().map_or(*returned, |last| last.position);
        Ok(next)
    }

    async fn acknowledge(&self, done: &[i64]) -> Result<(), ChangeFeedError> {
        if self.stuck.load(Ordering::Relaxed) {
            self.reached.notify_one();
            pending::<()>().await;
        }
        if self.acknowledgements.lock().unwrap().pop_front() == Some(false) {
            return Err(ChangeFeedError::Unavailable("the database went away".into()));
        }
        self.changes.lock().unwrap().retain(|change| !done.contains(&change.position));
        Ok(())
    }

    async fn bury(&self, position: i64, reason: &str) -> Result<(), ChangeFeedError> {
        self.changes.lock().unwrap().retain(|kept| kept.position != position);
        self.buried.lock().unwrap().push((position, reason.to_owned()));
        Ok(())
    }

    fn rewind(&self) {
        *self.returned.lock().unwrap() = 0;
    }
}

/// What was published, in order.
#[derive(Default)]
struct FakeTopic {
    log: Mutex<Vec<UserEvent>>,
    /// Those of a newer version, each with how many events were there before it.
    newer: Mutex<Vec<(usize, EventId)>>,
    /// How many calls are under way, at most so far, and whether one of them has failed.
    calls: Mutex<Calls>,
    /// Refused whenever they come.
    refused: BTreeSet<EventId>,
    /// How the next calls fail; afterwards none does.
    failures: Mutex<VecDeque<Failure>>,
}

#[derive(Default)]
struct Calls {
    under_way: usize,
    most: usize,
    broken: bool,
}

/// A call under way, until it is dropped.
struct Call<'a>(&'a Mutex<Calls>);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap().under_way -= 1;
    }
}

/// A call that ends early: so many events reach the topic, of so many of which the caller learns.
#[derive(Debug, Clone, Copy)]
struct Failure {
    written: usize,
    acknowledged: usize,
}

impl FakeTopic {
    fn failing(failures: impl IntoIterator<Item = Failure>) -> Arc<Self> {
        Arc::new(Self { failures: Mutex::new(failures.into_iter().collect()), ..Self::default() })
    }

    fn ids(&self) -> Vec<EventId> {
        ids(&self.log.lock().unwrap())
    }
}

#[async_trait]
impl EventPublisher for FakeTopic {
    async fn publish(&self, events: &[UserEvent]) -> Result<(), PublishError> {
        let (_call, behind) = self.begin();
        let result = if behind { Err(unavailable(0)) } else { self.write(events) };
        if result.is_err() {
            self.calls.lock().unwrap().broken = true;
        }
        // The broker's answer takes its time.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        result
    }

    async fn publish_newer(&self, event: &NewerEvent) -> Result<(), PublishError> {
        assert_eq!(self.calls.lock().unwrap().under_way, 0, "it comes by itself");
        let fails = self.failures.lock().unwrap().pop_front();
        if let Some(Failure { written: 0, .. }) = fails {
            return Err(unavailable(0));
        }
        self.newer.lock().unwrap().push((self.log.lock().unwrap().len(), event.id));
        match fails {
            Some(_) => Err(unavailable(0)),
            None => Ok(()),
        }
    }
}

fn unavailable(acknowledged: usize) -> PublishError {
    PublishError { acknowledged, failure: PublishFailure::Unavailable("the broker went away".into()) }
}

impl FakeTopic {
    /// A call under way, and whether it is behind one that has failed and is not over.
    fn begin(&self) -> (Call<'_>, bool) {
        let mut calls = self.calls.lock().unwrap();
        calls.broken &= calls.under_way > 0;
        calls.under_way += 1;
        calls.most = calls.most.max(calls.under_way);
        (Call(&self.calls), calls.broken)
    }

    fn write(&self, events: &[UserEvent]) -> Result<(), PublishError> {
        let failure = self.failures.lock().unwrap().pop_front();
        let mut log = self.log.lock().unwrap();
        for (n, event) in events.iter().enumerate() {
            if let Some(failure) = failure
                && n >= failure.written
            {
                return Err(unavailable(failure.acknowledged.min(n)));
            }
            if self.refused.contains(&event.metadata.id) {
                return Err(PublishError {
                    acknowledged: n,
                    failure: PublishFailure::Rejected("too large for the topic".into()),
                });
            }
            log.push(event.clone());
        }
        Ok(())
    }
}

fn relay(feed: &Arc<FakeFeed>, topic: &Arc<FakeTopic>, batch: usize) -> RelayChanges {
    RelayChanges::new(feed.clone(), topic.clone(), Arc::new(SystemClock), batch)
}

/// What it does until there is nothing left.
async fn to_the_end(relay: &RelayChanges) -> RelayOutcome {
    let mut all = RelayOutcome::default();
    loop {
        let outcome = relay.execute(Duration::ZERO, pending()).await.unwrap();
        if outcome.is_idle() {
            return all;
        }
        all.published += outcome.published;
        all.buried += outcome.buried;
    }
}

fn ids(events: &[UserEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.metadata.id).collect()
}

/// The first occurrence of each event.
fn first_occurrences(log: &[UserEvent]) -> Vec<UserEvent> {
    let mut seen = BTreeSet::new();
    log.iter().filter(|event| seen.insert(event.metadata.id)).cloned().collect()
}

fn by_user(events: &[UserEvent]) -> HashMap<UserId, Vec<EventId>> {
    let mut by_user: HashMap<_, Vec<_>> = HashMap::new();
    for event in events {
        by_user.entry(event.metadata.subject).or_default().push(event.metadata.id);
    }
    by_user
}

#[tokio::test]
async fn changes_are_published_in_order_and_acknowledged() {
    let events = updates_of(2, 3);
    let (feed, topic) = (FakeFeed::of_events(&events), Arc::new(FakeTopic::default()));
    let relay = relay(&feed, &topic, 4);
    for published in [6, 0] {
        let outcome = relay.execute(Duration::ZERO, pending()).await.unwrap();
        assert_eq!(outcome, RelayOutcome { published, buried: 0 });
        assert_eq!(outcome.is_idle(), published == 0);
    }
    assert_eq!(topic.ids(), ids(&events));
    assert!(feed.left().is_empty());
}

#[tokio::test]
async fn batches_are_published_side_by_side_and_only_so_many() {
    let events = updates_of(3, 100);
    let (feed, topic) = (FakeFeed::of_events(&events), Arc::new(FakeTopic::default()));
    relay(&feed, &topic, 5).execute(Duration::ZERO, pending()).await.unwrap();
    assert_eq!(topic.ids(), ids(&events));
    assert_eq!(topic.calls.lock().unwrap().most, 8);
}

#[tokio::test]
async fn when_it_is_told_to_stop_it_settles_what_it_has_read() {
    let events = updates_of(1, 90);
    let (feed, topic) = (FakeFeed::of_events(&events), Arc::new(FakeTopic::default()));
    let stop = async {
        while topic.log.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let outcome = relay(&feed, &topic, 5).execute(Duration::ZERO, stop).await.unwrap();
    assert!((1..events.len()).contains(&outcome.published), "{outcome:?}");
    assert_eq!(topic.ids(), ids(&events[..outcome.published]));
    assert_eq!(feed.left().len(), events.len() - outcome.published);
}

#[tokio::test]
async fn an_event_says_when_the_relay_took_it_up_and_is_otherwise_unchanged() {
    let events = updates_of(1, 1);
    let (feed, topic) = (FakeFeed::of_events(&events), Arc::new(FakeTopic::default()));
    relay(&feed, &topic, 10).execute(Duration::ZERO, pending()).await.unwrap();
    let mut published = topic.log.lock().unwrap()[0].clone();
    assert!(published.change.ts_ms > events[0].change.ts_ms);
    published.change.ts_ms = events[0].change.ts_ms;
    assert_eq!(published, events[0]);
}

#[tokio::test]
async fn after_a_failure_it_goes_on_from_the_first_change_that_is_not_acknowledged() {
    let events = updates_of(1, 5);
    let feed = FakeFeed::of_events(&events);
    let topic = FakeTopic::failing([
        Failure { written: 0, acknowledged: 0 },
        Failure { written: 3, acknowledged: 1 },
        Failure { written: 2, acknowledged: 2 },
    ]);
    let relay = relay(&feed, &topic, 10);
    for left in [vec![1, 2, 3, 4, 5], vec![2, 3, 4, 5], vec![4, 5]] {
        let failed = relay.execute(Duration::ZERO, pending()).await.unwrap_err();
        assert!(failed.is_retryable() && matches!(failed, RelayError::Publish(_)), "{failed:?}");
        assert_eq!(feed.left(), left);
    }
    relay.execute(Duration::ZERO, pending()).await.unwrap();
    assert_eq!(ids(&first_occurrences(&topic.log.lock().unwrap())), ids(&events));
    let repeated: Vec<_> = [0, 1, 2, 1, 2, 3, 4].map(|n: usize| events[n].metadata.id).into();
    assert_eq!(topic.ids(), repeated);
    assert!(feed.left().is_empty());
}

#[tokio::test]
async fn a_crash_before_the_acknowledgement_repeats_the_same_events_and_loses_none() {
    let events = updates_of(2, 2);
    let (feed, topic) = (FakeFeed::of_events(&events), Arc::new(FakeTopic::default()));
    feed.stuck.store(true, Ordering::Relaxed);
    {
        let relay = relay(&feed, &topic, 4);
        let crashing = tokio::spawn(async move { relay.execute(Duration::ZERO, pending()).await });
        soon("the acknowledgement", feed.reached.notified()).await;
        crashing.abort();
        assert!(crashing.await.unwrap_err().is_cancelled());
    }
    assert_eq!(topic.ids(), ids(&events));
    feed.stuck.store(false, Ordering::Relaxed);

    let restarted = relay(&feed, &topic, 3);
    while !restarted.execute(Duration::ZERO, pending()).await.unwrap().is_idle() {}
    assert_eq!(topic.ids(), [ids(&events), ids(&events)].concat());
    assert!(feed.left().is_empty());
}

#[tokio::test]
async fn a_failed_acknowledgement_is_a_failure_of_the_feed() {
    let events = updates_of(1, 2);
    let (feed, topic) = (FakeFeed::of_events(&events), Arc::new(FakeTopic::default()));
    feed.acknowledgements.lock().unwrap().push_back(false);
    let relay = relay(&feed, &topic, 10);
    let failed = relay.execute(Duration::ZERO, pending()).await.unwrap_err();
    assert!(failed.is_retryable() && matches!(failed, RelayError::Feed(_)), "{failed:?}");
    assert_eq!(relay.execute(Duration::ZERO, pending()).await.unwrap().published, 2);
    assert_eq!(topic.ids(), [ids(&events), ids(&events)].concat());
}

#[tokio::test]
async fn a_change_that_is_refused_for_good_is_buried_and_the_others_go_on() {
    let events = updates_of(1, 5);
    let feed = FakeFeed::of_events(&events);
    let refused = [events[0].metadata.id, events[2].metadata.id, events[4].metadata.id].into();
    let topic = Arc::new(FakeTopic { refused, ..FakeTopic::default() });
    assert_eq!(to_the_end(&relay(&feed, &topic, 10)).await, RelayOutcome { published: 2, buried: 3 });
    assert_eq!(topic.ids(), [events[1].metadata.id, events[3].metadata.id]);
    assert_eq!(feed.buried(), [1, 3, 5]);
    assert!(feed.left().is_empty());
    // An operator has nothing but the reason.
    let buried = feed.buried.lock().unwrap();
    assert!(buried.iter().all(|(_, reason)| reason.contains("too large for the topic")), "{buried:?}");
}

#[tokio::test]
async fn a_change_that_cannot_be_read_is_buried_and_the_others_go_on() {
    let events = updates_of(1, 2);
    let readable = |n: usize| Content::Event(Box::new(events[n].clone()));
    let feed = FakeFeed::of([readable(0), Content::Unreadable("no json".into()), readable(1)]);
    let topic = Arc::new(FakeTopic::default());
    assert_eq!(to_the_end(&relay(&feed, &topic, 10)).await, RelayOutcome { published: 2, buried: 1 });
    assert_eq!(topic.ids(), ids(&events));
    assert_eq!(*feed.buried.lock().unwrap(), [(2, "no json".to_owned())]);
}

fn newer(id: u128) -> Content {
    Content::Newer(Box::new(NewerEvent {
        id: EventId(Uuid::from_u128(id)),
        type_name: "inf-user.user.renamed.v2".to_owned(),
        time: DateTime::UNIX_EPOCH,
        subject: UserId(Uuid::from_u128(7)),
        traceparent: None,
        payload: "{}".to_owned(),
        changes_a_row: true,
    }))
}

#[tokio::test]
async fn an_event_of_a_newer_version_is_published_at_its_place() {
    let events = updates_of(1, 3);
    let known = |n: usize| Content::Event(Box::new(events[n].clone()));
    let feed = FakeFeed::of([
        known(0),
        newer(1),
        newer(2),
        Content::Unreadable("no json".into()),
        known(1),
        known(2),
    ]);
    // The second attempt reaches the topic, and the relay does not learn of it.
    let failures = [
        Failure { written: 1, acknowledged: 1 },
        Failure { written: 0, acknowledged: 0 },
        Failure { written: 1, acknowledged: 0 },
    ];
    let topic = FakeTopic::failing(failures);
    let relay = relay(&feed, &topic, 10);
    let mut failed = 0;
    while !feed.left().is_empty() {
        if let Err(error) = relay.execute(Duration::ZERO, pending()).await {
            assert!(error.is_retryable(), "{error}");
            failed += 1;
        }
    }
    assert_eq!((failed, feed.buried()), (2, vec![4]));
    assert_eq!(topic.ids(), ids(&events));
    let places =
        topic.newer.lock().unwrap().iter().map(|(before, id)| (*before, id.0.as_u128())).collect::<Vec<_>>();
    assert_eq!(places, [(1, 1), (1, 1), (1, 2)]);
}

/// Events of four people in that order.
fn events_of(order: &[usize]) -> Vec<UserEvent> {
    let mut people: Vec<_> = (0..4).map(|n| person(&format!("user{n}"))).collect();
    (0..)
        .zip(order)
        .map(|(n, &who)| {
            let n: usize = n;
            let after = people[who].updated(new_name(&format!("Name {n}")), new_stamp()).unwrap();
            let event = user_service::entities::updated(&people[who], &after, None);
            people[who] = after;
            event
        })
        .collect()
}

proptest! {
    #![proptest_config(Config { cases: 256, failure_persistence: None, ..Config::default() })]

    #[test]
    fn whatever_fails_every_event_occurs_and_first_occurrences_are_in_order(
        order in vec(0_usize..4, 0..30),
        refused in btree_set(0_usize..30, 0..5),
        failures in vec((0_usize..8, 0_usize..8), 0..20),
        acknowledgements in vec(any::<bool>(), 0..20),
        batch in 1_usize..8,
    ) {
        let events = events_of(&order);
        let refused: BTreeSet<_> = refused.into_iter().filter(|&n| n < events.len()).collect();
        let feed = FakeFeed::of_events(&events);
        *feed.acknowledgements.lock().unwrap() = acknowledgements.clone().into();
        let failures: VecDeque<_> = failures
            .into_iter()
            .map(|(written, acknowledged)| Failure { written, acknowledged: acknowledged.min(written) })
            .collect();
        let most_failures = failures.len() + acknowledgements.len();
        let topic = Arc::new(FakeTopic {
            refused: refused.iter().map(|&n| events[n].metadata.id).collect(),
            failures: Mutex::new(failures),
            ..FakeTopic::default()
        });

        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut steps = 0;
            loop {
                // As after a crash: nothing is known but what feed and topic hold.
                match relay(&feed, &topic, batch).execute(Duration::ZERO, pending()).await {
                    Ok(outcome) if outcome.is_idle() => break,
                    Ok(_) => {}
                    Err(failed) => assert!(failed.is_retryable(), "{failed:?}"),
                }
                steps += 1;
                assert!(steps <= most_failures + order.len(), "it does not come to an end");
            }
        });

        let kept: Vec<_> = (0..).zip(&events).filter(|(n, _)| !refused.contains(n)).map(|(_, event)| event.clone()).collect();
        let log = topic.log.lock().unwrap();
        prop_assert_eq!(by_user(&first_occurrences(&log)), by_user(&kept));
        prop_assert!(feed.left().is_empty());
        let buried: BTreeSet<_> = feed.buried().into_iter().collect();
        prop_assert_eq!(buried, refused.iter().map(|&n| i64::try_from(n).unwrap() + 1).collect::<BTreeSet<_>>());
    }
}
