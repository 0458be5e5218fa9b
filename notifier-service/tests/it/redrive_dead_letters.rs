//! [`ListDeadLetters`] and [`RedriveDeadLetters`] against a dead-letter topic and a ledger in memory.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use notifier_service::entities::{Place, ReceivedRecord};
use notifier_service::interactors::{
    LetterFilter, LetterRedrive, LetterState, LettersError, ListDeadLetters, RecordUserEvents,
    RedriveDeadLetters, RedrivenLetters,
};
use notifier_service::repositories::{DeadLetter, LoggedLetter, MonotonicClock};
use shared_kernel::{CDC_TOPIC, dead_letter_topic, encode};

use crate::support::events::{junk, received, record, updated};
use crate::support::fakes::{InMemoryDeadLetterLog, InMemoryDeadLetters, SteppedClock};
use crate::support::in_memory_ledger::InMemoryLedger;

const OLD_BUILD: &str = "the value is not a user change";
const THEN: DateTime<Utc> = DateTime::from_timestamp(1_790_000_000, 0).unwrap();

struct World {
    clock: Arc<SteppedClock>,
    log: Arc<InMemoryDeadLetterLog>,
    ledger: Arc<InMemoryLedger>,
    list: ListDeadLetters,
    redrive: RedriveDeadLetters,
}

/// Letters that lie on the partitions of the topic in the order given, an hour between one and the next.
fn world(partitions: impl IntoIterator<Item = Vec<(ReceivedRecord, &'static str)>>) -> World {
    let partitions = (0..).zip(partitions).map(|(partition, letters)| {
        let lying = (0..).zip(letters).map(|(offset, (received, reason))| LoggedLetter {
            place: lies_at(partition, offset),
            set_aside_at: Some(THEN + TimeDelta::hours(offset)),
            letter: DeadLetter { received, reason: reason.to_owned() },
        });
        lying.collect()
    });
    let clock = Arc::new(SteppedClock::default());
    let ledger = InMemoryLedger::new(clock.clone());
    let log = Arc::new(InMemoryDeadLetterLog::new(partitions.collect()));
    World {
        list: ListDeadLetters::new(log.clone(), ledger.clone()),
        redrive: RedriveDeadLetters::new(log.clone(), ledger.clone(), ledger.clone(), clock.clone()),
        clock,
        log,
        ledger,
    }
}

fn lies_at(partition: i32, offset: i64) -> Place {
    Place { topic: dead_letter_topic(CDC_TOPIC), partition, offset }
}

fn unrecordable(number: u128) -> ReceivedRecord {
    let mut event = updated(number, 1);
    event.change.after.as_mut().unwrap().username = "x".repeat(300);
    received(i64::try_from(number).unwrap(), encode(&event))
}

fn request() -> LetterRedrive {
    LetterRedrive {
        filter: LetterFilter::default(),
        limit: 1000,
        per_second: NonZeroU32::new(10).unwrap(),
        is_dry_run: false,
    }
}

impl World {
    fn recorded(&self) -> Vec<u128> {
        self.ledger.rows().iter().map(|row| row.notification.event_id.0.as_u128()).collect()
    }

    async fn redrive(&self, request: &LetterRedrive) -> RedrivenLetters {
        self.redrive.execute(request).await.unwrap()
    }
}

#[tokio::test]
async fn letters_are_recorded_in_the_order_of_where_they_came_from() {
    let world = world([
        vec![(record(5, 1), OLD_BUILD), (record(2, 1), OLD_BUILD), (record(9, 2), OLD_BUILD)],
        vec![(record(4, 3), OLD_BUILD), (record(1, 3), OLD_BUILD)],
    ]);
    let done = world.redrive(&request()).await;
    assert_eq!(world.recorded(), [2, 5, 9, 1, 4]);
    let places =
        [(0, 1), (0, 0), (0, 2), (1, 1), (1, 0)].map(|(partition, offset)| lies_at(partition, offset));
    assert_eq!((done.recorded, done.mails, done.known), (places.to_vec(), 5, 0));
}

#[tokio::test]
async fn a_redrive_that_is_repeated_mails_nobody_again() {
    let world = world([vec![(record(1, 1), OLD_BUILD), (record(2, 2), OLD_BUILD)]]);
    // What came from the topic itself is known as well.
    let live = RecordUserEvents::new(world.ledger.clone(), Arc::new(InMemoryDeadLetters::default()));
    live.execute(&[record(1, 1)]).await.unwrap();
    let first = world.redrive(&request()).await;
    assert_eq!((first.recorded, first.known), (vec![lies_at(0, 1)], 1));
    let second = world.redrive(&request()).await;
    assert_eq!(second, RedrivenLetters { known: 2, ..RedrivenLetters::default() });
    assert_eq!(world.recorded(), [1, 2]);
}

#[tokio::test]
async fn a_dry_run_tells_what_a_redrive_does_and_changes_nothing() {
    let twice = vec![(record(1, 1), OLD_BUILD), (record(1, 1), OLD_BUILD), (junk(2), "poison")];
    // The relay may have published an event twice, at two places of the topic.
    let repeated = received(8, record(1, 1).record);
    let world = world([[twice, vec![(repeated, OLD_BUILD), (record(3, 2), OLD_BUILD)]].concat()]);
    let would = world.redrive(&LetterRedrive { is_dry_run: true, ..request() }).await;
    assert_eq!(world.recorded(), [0; 0]);
    assert_eq!((would.recorded.len(), would.mails, would.known), (2, 2, 1));
    assert_eq!(world.redrive(&request()).await, would);
    assert_eq!(world.recorded(), [1, 3]);
}

#[tokio::test]
async fn what_can_still_not_be_read_or_recorded_stays_and_is_told() {
    let mut misshapen = record(2, 1);
    misshapen.record.value = br#"{"op":"u","before":"ada@example.org"}"#.to_vec();
    let letters = vec![
        (record(1, 1), OLD_BUILD),
        (misshapen, OLD_BUILD),
        (unrecordable(3), "too long"),
        (unrecordable(4), "too long"),
        (record(5, 1), OLD_BUILD),
    ];
    let world = world([letters]);
    for new in [2, 0] {
        let done = world.redrive(&request()).await;
        assert_eq!((done.recorded.len(), done.mails), (new, new as u64));
        let left =
            [("the value is not a user change", 1), ("the ledger cannot hold this: a value is too long", 2)];
        assert_eq!(done.left, left.map(|(reason, letters)| (reason.to_owned(), letters)).into());
    }
    assert_eq!(world.recorded(), [1, 5]);
}

#[tokio::test]
async fn only_what_fits_is_taken() {
    let letters = (0..4).map(|n| (record(n, 1), if n % 2 == 0 { "no header ce_id" } else { OLD_BUILD }));
    let world = world([letters.collect()]);
    let by_reason = LetterFilter { reason: Some("ce_id".to_owned()), since: None };
    world.redrive(&LetterRedrive { filter: by_reason.clone(), ..request() }).await;
    assert_eq!(world.recorded(), [0, 2]);
    let since = LetterFilter { reason: None, since: Some(THEN + TimeDelta::hours(3)) };
    world.redrive(&LetterRedrive { filter: since, ..request() }).await;
    assert_eq!(world.recorded(), [0, 2, 3]);
    let listed = world.list.execute(&by_reason, 10).await.unwrap();
    assert_eq!((listed.open, listed.recorded, listed.unreadable), (0, 2, 0));
}

#[tokio::test]
async fn a_redrive_does_no_more_and_no_faster_than_it_was_told_and_goes_on_the_next_time() {
    let world = world([(1..=25).map(|n| (record(n, n), OLD_BUILD)).collect()]);
    let some = LetterRedrive { limit: 21, ..request() };
    assert_eq!(world.redrive(&some).await.recorded.len(), 21);
    assert_eq!(world.clock.now(), Duration::from_secs(2));
    let rest = world.redrive(&some).await;
    assert_eq!((rest.recorded.len(), rest.known), (4, 21));
    assert_eq!(world.recorded(), (1..=25).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_list_tells_what_can_be_done_about_each_letter_today() {
    let world =
        world([vec![(record(1, 1), OLD_BUILD)], vec![(junk(2), "poison"), (record(3, 1), OLD_BUILD)]]);
    world.redrive(&LetterRedrive { limit: 1, ..request() }).await;
    let listed = world.list.execute(&LetterFilter::default(), 10).await.unwrap();
    assert_eq!((listed.open, listed.recorded, listed.unreadable), (1, 1, 1));
    let [(_, recorded), (poison, unreadable), (_, open)] = listed.letters.try_into().unwrap();
    assert_eq!((recorded, poison.place), (LetterState::Recorded, lies_at(1, 0)));
    assert!(
        matches!(unreadable, LetterState::Unreadable { reason, .. } if reason.contains("ce_specversion"))
    );
    assert!(matches!(open, LetterState::Open(mails) if mails.len() == 1));
    let first = world.list.execute(&LetterFilter::default(), 1).await.unwrap();
    assert_eq!((first.letters.len(), first.open), (1, 1), "all are counted");
}

#[tokio::test]
async fn while_the_ledger_or_the_broker_is_away_nothing_counts_as_done() {
    let world = world([vec![(record(1, 1), OLD_BUILD), (record(2, 2), OLD_BUILD)]]);
    world.ledger.fail_next(1);
    let error = world.redrive.execute(&request()).await.unwrap_err();
    assert!(error.is_retryable() && matches!(error, LettersError::Ledger(_)), "{error:?}");
    let done = world.redrive(&request()).await;
    assert_eq!((done.recorded.len(), done.left), (2, BTreeMap::new()));
    world.log.break_down();
    let error = world.redrive.execute(&request()).await.unwrap_err();
    assert!(error.is_retryable() && matches!(error, LettersError::Log(_)), "{error:?}");
}
