//! What [`LedgerRetention`] promises, run against every ledger.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use notifier_service::entities::{Answer, Notification, NotificationId, NotificationKind};

use crate::support::databases::{WholeLedger, on_every_ledger};
use crate::support::events::notification;

type Ledger = Arc<dyn WholeLedger>;

const LONG: Duration = Duration::from_secs(600);
const MANY: u32 = 100;
/// The last day of the databases' calendars.
const FAR_AWAY: DateTime<Utc> = DateTime::from_timestamp(253_402_214_400, 0).unwrap();

on_every_ledger! {
    finished_rows_are_erased_after_their_time_and_others_are_not
    no_more_is_done_at_once_than_was_asked_for
    the_servers_words_are_erased_and_the_attempts_stay
    an_erased_row_still_recognises_its_event
    a_deleted_users_rows_are_erased_once_none_is_to_be_sent
    a_mail_that_comes_late_about_a_deleted_user_is_erased_too
    erased_rows_are_forgotten_after_their_time
    what_was_recorded_later_is_not_forgotten
}

async fn record(ledger: &Ledger, batch: &[Notification]) {
    assert_eq!(ledger.record(batch).await.unwrap().new, batch.len() as u64);
}

fn goodbye(number: u128, user: u128) -> Notification {
    let kind = NotificationKind::Deleted;
    let whole = notification(number, user, "a@example.org");
    Notification { id: NotificationId::derive(whole.event_id, kind, &whole.recipient), kind, ..whole }
}

/// Sends all that can be sent now.
async fn send(ledger: &Ledger) {
    for claimed in ledger.claim(MANY, LONG).await.unwrap() {
        ledger.mark_sent(&claimed.lease, &Answer::ours("250 for a@example.org")).await.unwrap();
    }
}

async fn finished_rows_are_erased_after_their_time_and_others_are_not(ledger: Ledger) {
    record(&ledger, &[notification(1, 1, "a@example.org"), notification(2, 2, "b@example.org")]).await;
    let claimed = ledger.claim(MANY, LONG).await.unwrap();
    ledger.mark_dead(&claimed[0].lease, &Answer::ours("550 no")).await.unwrap();
    record(&ledger, &[notification(3, 3, "c@example.org")]).await;
    assert_eq!(ledger.erase_finished(LONG, MANY).await.unwrap(), 0);
    assert_eq!(ledger.erase_finished(Duration::ZERO, MANY).await.unwrap(), 1);
    assert_eq!(ledger.erase_finished(Duration::ZERO, MANY).await.unwrap(), 0);
    // The one that is being sent is as it was, and so is the one that waits.
    ledger.release(&claimed[1].lease).await.unwrap();
    let left = ledger.claim(MANY, LONG).await.unwrap();
    let left: Vec<_> = left.into_iter().map(|one| one.notification).collect();
    assert_eq!(left, [notification(2, 2, "b@example.org"), notification(3, 3, "c@example.org")]);
}

async fn no_more_is_done_at_once_than_was_asked_for(ledger: Ledger) {
    let all: Vec<_> = (1..=5).map(|n| notification(n, n, "a@example.org")).collect();
    record(&ledger, &all).await;
    send(&ledger).await;
    for expected in [2, 2, 1, 0] {
        assert_eq!(ledger.erase_finished(Duration::ZERO, 2).await.unwrap(), expected);
    }
    let by = FAR_AWAY;
    for expected in [3, 2, 0] {
        assert_eq!(ledger.forget(Duration::ZERO, by, 3).await.unwrap(), expected);
    }
}

async fn the_servers_words_are_erased_and_the_attempts_stay(ledger: Ledger) {
    let mail = notification(1, 1, "a@example.org");
    record(&ledger, std::slice::from_ref(&mail)).await;
    let claimed = ledger.claim(1, LONG).await.unwrap().pop().unwrap();
    ledger.put_off(&claimed.lease, Duration::ZERO, &Answer::ours("450 a@example.org is full")).await.unwrap();
    send(&ledger).await;
    let before = ledger.attempts(mail.id).await.unwrap();
    assert!(before.len() == 2 && before.iter().all(|attempt| attempt.words.is_some()), "{before:?}");
    ledger.erase_finished(Duration::ZERO, MANY).await.unwrap();
    let after = ledger.attempts(mail.id).await.unwrap();
    assert_eq!(after.len(), 2);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((before.outcome, before.recorded_at), (after.outcome, after.recorded_at));
        assert_eq!(after.words, None);
    }
}

async fn an_erased_row_still_recognises_its_event(ledger: Ledger) {
    let mail = notification(1, 1, "a@example.org");
    record(&ledger, std::slice::from_ref(&mail)).await;
    send(&ledger).await;
    ledger.erase_finished(Duration::ZERO, MANY).await.unwrap();
    assert_eq!(ledger.record(&[mail]).await.unwrap().new, 0);
    assert!(ledger.claim(MANY, LONG).await.unwrap().is_empty());
    assert_eq!(ledger.counts().await.unwrap().sent, 1);
    assert_eq!(ledger.erase_finished(Duration::ZERO, MANY).await.unwrap(), 0);
}

async fn a_deleted_users_rows_are_erased_once_none_is_to_be_sent(ledger: Ledger) {
    record(&ledger, &[notification(1, 1, "a@example.org"), notification(2, 2, "a@example.org")]).await;
    send(&ledger).await;
    assert_eq!(ledger.erase_deleted_users(MANY).await.unwrap(), 0, "nobody is deleted");
    record(&ledger, &[goodbye(3, 1), notification(4, 1, "former@example.org")]).await;
    assert_eq!(ledger.erase_deleted_users(MANY).await.unwrap(), 0, "the goodbye is to be sent");
    let claimed = ledger.claim(MANY, LONG).await.unwrap();
    ledger.mark_sent(&claimed[0].lease, &Answer::ours("250 ok")).await.unwrap();
    assert_eq!(ledger.erase_deleted_users(MANY).await.unwrap(), 0, "another one is being sent");
    ledger.mark_dead(&claimed[1].lease, &Answer::ours("550 no")).await.unwrap();
    assert_eq!(ledger.erase_deleted_users(2).await.unwrap(), 2);
    assert_eq!(ledger.erase_deleted_users(2).await.unwrap(), 1);
    assert_eq!(ledger.erase_deleted_users(2).await.unwrap(), 0);
    // What is left is the other user's.
    assert_eq!(ledger.erase_finished(Duration::ZERO, MANY).await.unwrap(), 1);
}

async fn a_mail_that_comes_late_about_a_deleted_user_is_erased_too(ledger: Ledger) {
    record(&ledger, &[goodbye(1, 1)]).await;
    send(&ledger).await;
    assert_eq!(ledger.erase_deleted_users(MANY).await.unwrap(), 1);
    record(&ledger, &[notification(2, 1, "a@example.org")]).await;
    assert_eq!(ledger.erase_deleted_users(MANY).await.unwrap(), 0);
    send(&ledger).await;
    assert_eq!(ledger.erase_deleted_users(MANY).await.unwrap(), 1);
}

async fn erased_rows_are_forgotten_after_their_time(ledger: Ledger) {
    let (old, new) = (notification(1, 1, "a@example.org"), notification(2, 2, "b@example.org"));
    record(&ledger, std::slice::from_ref(&old)).await;
    send(&ledger).await;
    assert_eq!(ledger.latest_to_forget(Duration::ZERO, MANY).await.unwrap(), None, "not erased yet");
    assert_eq!(ledger.forget(Duration::ZERO, FAR_AWAY, MANY).await.unwrap(), 0);
    ledger.erase_finished(Duration::ZERO, MANY).await.unwrap();
    record(&ledger, &[new]).await;
    send(&ledger).await;
    assert_eq!(ledger.latest_to_forget(LONG, MANY).await.unwrap(), None, "not for so long");
    assert_eq!(ledger.forget(LONG, FAR_AWAY, MANY).await.unwrap(), 0);
    let latest = ledger.latest_to_forget(Duration::ZERO, MANY).await.unwrap().unwrap();
    assert_eq!(ledger.forget(Duration::ZERO, latest, MANY).await.unwrap(), 1);
    assert!(ledger.attempts(old.id).await.unwrap().is_empty());
    assert_eq!(ledger.counts().await.unwrap().sent, 1);
    // Nobody knows the event any more.
    record(&ledger, &[old]).await;
}

async fn what_was_recorded_later_is_not_forgotten(ledger: Ledger) {
    record(&ledger, &[notification(1, 1, "a@example.org")]).await;
    send(&ledger).await;
    ledger.erase_finished(Duration::ZERO, MANY).await.unwrap();
    let latest = ledger.latest_to_forget(Duration::ZERO, MANY).await.unwrap().unwrap();
    let before = latest - TimeDelta::microseconds(1);
    assert_eq!(ledger.forget(Duration::ZERO, before, MANY).await.unwrap(), 0);
    assert_eq!(ledger.forget(Duration::ZERO, latest, MANY).await.unwrap(), 1);
}
