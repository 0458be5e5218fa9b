//! [`RecordUserEvents`] against a ledger and dead letters in memory.

use std::sync::Arc;

use notifier_service::entities::ReceivedRecord;
use notifier_service::interactors::{RecordError, RecordUserEvents};
use shared_kernel::encode;

use crate::support::events::{by_debezium, junk, received, record, updated, user_id};
use crate::support::fakes::{InMemoryDeadLetters, SteppedClock};
use crate::support::in_memory_ledger::InMemoryLedger;

struct World {
    ledger: Arc<InMemoryLedger>,
    dead_letters: Arc<InMemoryDeadLetters>,
    record: RecordUserEvents,
}

fn world() -> World {
    let ledger = InMemoryLedger::new(Arc::new(SteppedClock::default()));
    let dead_letters = Arc::new(InMemoryDeadLetters::default());
    let record = RecordUserEvents::new(ledger.clone(), dead_letters.clone());
    World { ledger, dead_letters, record }
}

impl World {
    fn recorded(&self) -> Vec<u128> {
        self.ledger.rows().iter().map(|row| row.notification.event_id.0.as_u128()).collect()
    }

    fn set_aside(&self) -> Vec<i64> {
        self.dead_letters.letters().iter().map(|letter| letter.received.place.offset).collect()
    }
}

/// An event that can be understood but never be stored.
fn unrecordable(number: u128) -> ReceivedRecord {
    let mut event = updated(number, 1);
    event.change.after.as_mut().unwrap().username = "x".repeat(300);
    received(i64::try_from(number).unwrap(), encode(&event))
}

#[tokio::test]
async fn a_batch_is_recorded_in_its_order() {
    let world = world();
    let outcome = world.record.execute(&[record(1, 1), record(2, 2), record(3, 1)]).await.unwrap();
    assert_eq!((outcome.new, outcome.set_aside.len()), (3, 0));
    assert_eq!(world.recorded(), [1, 2, 3]);
    let first = &world.ledger.rows()[0].notification;
    assert_eq!((first.user_id, first.recipient.as_str()), (user_id(1), "user1@example.org"));
}

#[tokio::test]
async fn a_batch_that_comes_again_mails_nobody_again() {
    let world = world();
    world.record.execute(&[record(1, 1), record(2, 2)]).await.unwrap();
    let outcome = world.record.execute(&[record(1, 1), record(2, 2), record(3, 1)]).await.unwrap();
    assert_eq!(outcome.new, 1);
    assert_eq!(world.recorded(), [1, 2, 3]);
}

#[tokio::test]
async fn what_cannot_be_understood_is_set_aside_and_the_rest_goes_on() {
    let world = world();
    let outcome = world.record.execute(&[record(1, 1), junk(2), record(3, 1)]).await.unwrap();
    assert_eq!(world.recorded(), [1, 3]);
    assert_eq!(world.set_aside(), [2]);
    assert!(outcome.set_aside[0].reason.contains("ce_specversion"), "{outcome:?}");
    assert_eq!(world.dead_letters.letters()[0].received, junk(2));
}

#[tokio::test]
async fn what_debezium_captured_is_mailed_and_not_again_what_the_relay_published() {
    let world = world();
    let batch = [record(1, 1), by_debezium(2, Some(1), 1), by_debezium(3, Some(2), 1), record(2, 1)];
    let outcome = world.record.execute(&batch).await.unwrap();
    assert_eq!((world.recorded(), world.set_aside()), (vec![1, 2], vec![]));
    assert_eq!(outcome.new, 2);
    let by_another_program = world.record.execute(&[by_debezium(4, None, 1)]).await.unwrap();
    assert_eq!(by_another_program.new, 1);
}

#[tokio::test]
async fn a_record_of_debezium_that_tells_of_no_change_is_dealt_with_by_being_read() {
    let world = world();
    let mut snapshot = by_debezium(1, Some(1), 1);
    let text = String::from_utf8(snapshot.record.value).unwrap();
    snapshot.record.value = text.replace(r#""op":"u""#, r#""op":"r""#).into_bytes();
    let mut tombstone = by_debezium(2, Some(1), 1);
    tombstone.record.value.clear();
    let outcome = world.record.execute(&[snapshot, tombstone, record(3, 1)]).await.unwrap();
    assert_eq!((outcome.new, outcome.set_aside.len()), (1, 0));
    assert_eq!(world.recorded(), [3]);
}

#[tokio::test]
async fn what_a_record_holds_is_told_by_its_dead_letter_and_not_for_the_log() {
    let world = world();
    let mut misshapen = record(1, 1);
    misshapen.record.value = br#"{"op":"u","before":"ada@example.org"}"#.to_vec();
    world.dead_letters.fail_next(1);
    let error = world.record.execute(std::slice::from_ref(&misshapen)).await.unwrap_err();
    let outcome = world.record.execute(&[misshapen]).await.unwrap();
    assert!(world.dead_letters.letters()[0].reason.contains("ada@example.org"));
    assert!(!error.to_string().contains("ada@"), "{error}");
    assert_eq!(outcome.set_aside[0].reason, "the value is not a user change");
}

#[tokio::test]
async fn a_record_that_the_ledger_can_never_hold_is_found_and_set_aside() {
    let world = world();
    let batch: Vec<_> =
        (1..=9).map(|n| if n == 2 || n == 7 { unrecordable(n) } else { record(n, 1) }).collect();
    let outcome = world.record.execute(&batch).await.unwrap();
    assert_eq!(world.recorded(), [1, 3, 4, 5, 6, 8, 9]);
    assert_eq!(world.set_aside(), [2, 7]);
    assert_eq!(outcome.new, 7);
    assert!(outcome.set_aside[0].reason.contains("too long"), "{outcome:?}");
}

#[tokio::test]
async fn while_the_ledger_is_away_nothing_is_set_aside_and_the_batch_can_be_given_again() {
    let world = world();
    world.ledger.fail_next(1);
    let batch = [record(1, 1), junk(2)];
    let error = world.record.execute(&batch).await.unwrap_err();
    assert!(error.is_retryable() && matches!(error, RecordError::Ledger(_)), "{error:?}");
    assert_eq!((world.recorded(), world.set_aside()), (vec![], vec![]));
    world.record.execute(&batch).await.unwrap();
    assert_eq!((world.recorded(), world.set_aside()), (vec![1], vec![2]));
}

#[tokio::test]
async fn while_the_dead_letters_are_away_the_batch_is_not_done() {
    let world = world();
    world.dead_letters.fail_next(1);
    let batch = [record(1, 1), junk(2)];
    let error = world.record.execute(&batch).await.unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains("@2"), "{error}");
    assert_eq!(world.record.execute(&batch).await.unwrap().new, 0);
    assert_eq!((world.recorded(), world.set_aside()), (vec![1], vec![2]));
}
