//! What [`OperatorLedger`] promises, run against every ledger.

use std::sync::Arc;
use std::time::Duration;

use notifier_service::entities::{
    Answer, LedgerEntry, MailFilter, MailState, Notification, NotificationId, Recipient, StateCounts,
};
use notifier_service::repositories::{LedgerError, Page, PageStart};
use uuid::Uuid;

use crate::support::databases::{WholeLedger, on_every_ledger};
use crate::support::events::{notification, user_id};
use crate::support::eventually;

type Ledger = Arc<dyn WholeLedger>;

const LONG: Duration = Duration::from_secs(600);
const MANY: u32 = 100;

on_every_ledger! {
    a_mail_is_shown_as_it_is
    pages_have_each_mail_once_in_both_directions
    each_part_of_a_filter_leaves_the_others_out
    states_are_counted
    a_finished_mail_can_be_put_back_and_is_young_again
    a_mail_that_is_to_be_sent_or_was_erased_is_not_put_back
    a_mail_that_was_put_back_is_due_when_it_was_asked_to_be
    a_mail_that_was_put_back_goes_before_later_ones_that_still_wait
    a_queued_mail_can_be_cancelled_and_holds_nothing_back
    a_mail_that_is_held_or_finished_is_not_cancelled
    a_cancelled_mail_is_lost_to_a_worker_that_outlived_its_lease
    a_cancelled_mail_is_not_recorded_again_and_is_erased_like_others
    an_erased_mail_tells_nothing_of_the_person
}

async fn record(ledger: &Ledger, batch: &[Notification]) {
    assert_eq!(ledger.record(batch).await.unwrap().new, batch.len() as u64);
}

async fn entry(ledger: &Ledger, id: NotificationId) -> LedgerEntry {
    ledger.entry(id).await.unwrap().unwrap()
}

/// Gives a mail up, with those words.
async fn give_up(ledger: &Ledger, mail: &Notification, words: &str) {
    let claimed = ledger.claim(MANY, LONG).await.unwrap();
    for claim in &claimed {
        if claim.lease.id == mail.id {
            ledger.mark_dead(&claim.lease, &Answer::ours(words)).await.unwrap();
        } else {
            ledger.release(&claim.lease).await.unwrap();
        }
    }
    assert_eq!(entry(ledger, mail.id).await.state, MailState::Dead);
}

fn ids(entries: &[LedgerEntry]) -> Vec<NotificationId> {
    entries.iter().map(|entry| entry.id).collect()
}

async fn list(ledger: &Ledger, filter: MailFilter) -> Vec<NotificationId> {
    ids(&ledger.list(&filter, Page { from: PageStart::After(0), limit: MANY }).await.unwrap())
}

async fn a_mail_is_shown_as_it_is(ledger: Ledger) {
    let mail = notification(1, 1, "ada@example.org");
    record(&ledger, std::slice::from_ref(&mail)).await;
    let fresh = entry(&ledger, mail.id).await;
    assert_eq!((fresh.id, fresh.event_id, fresh.user_id), (mail.id, mail.event_id, user_id(1)));
    assert_eq!((fresh.kind.as_str(), fresh.state), ("updated", MailState::Queued));
    assert_eq!(fresh.recipient, Some(Recipient::new("ada@example.org")));
    assert_eq!((fresh.attempts, fresh.requeued, fresh.finished_at), (0, 0, None));
    assert_eq!((fresh.is_being_sent, fresh.last_words.as_deref()), (false, None));
    assert!(fresh.has_link && fresh.since_event.is_some() && fresh.due_at >= fresh.recorded_at);

    let claimed = ledger.claim(1, LONG).await.unwrap().pop().unwrap();
    assert!(entry(&ledger, mail.id).await.is_being_sent);
    ledger.put_off(&claimed.lease, LONG, &Answer::ours("450 later")).await.unwrap();
    let waiting = entry(&ledger, mail.id).await;
    assert!(!waiting.is_being_sent && waiting.due_at > fresh.due_at);
    assert_eq!((waiting.attempts, waiting.last_words.as_deref()), (1, Some("450 later")));
    assert_eq!(ledger.entry(NotificationId(Uuid::nil())).await.unwrap(), None);
}

async fn pages_have_each_mail_once_in_both_directions(ledger: Ledger) {
    let all: Vec<_> = (1..=7).map(|n| notification(n, n, "a@example.org")).collect();
    record(&ledger, &all).await;
    let all: Vec<_> = all.into_iter().map(|mail| mail.id).collect();
    let (mut forwards, mut from) = (Vec::new(), PageStart::After(0));
    loop {
        let page = ledger.list(&MailFilter::default(), Page { from, limit: 3 }).await.unwrap();
        let Some(last) = page.last() else { break };
        from = PageStart::After(last.place);
        forwards.extend(ids(&page));
    }
    let (mut backwards, mut from) = (Vec::new(), PageStart::Newest);
    loop {
        let page = ledger.list(&MailFilter::default(), Page { from, limit: 3 }).await.unwrap();
        let Some(last) = page.last() else { break };
        from = PageStart::Before(last.place);
        backwards.extend(ids(&page));
    }
    assert_eq!(forwards, all);
    backwards.reverse();
    assert_eq!(backwards, all);
}

async fn each_part_of_a_filter_leaves_the_others_out(ledger: Ledger) {
    let (dead, queued) = (notification(1, 1, "a@example.org"), notification(2, 2, "b@example.org"));
    record(&ledger, &[dead.clone(), queued.clone()]).await;
    give_up(&ledger, &dead, "550 5.1.1 no 100%_such mailbox").await;
    let all = MailFilter::default();
    assert_eq!(list(&ledger, all.clone()).await, [dead.id, queued.id]);
    let of_dead = [
        MailFilter { state: Some(MailState::Dead), ..all.clone() },
        MailFilter { user_id: Some(user_id(1)), ..all.clone() },
        MailFilter { recipient: Some("a@example.org".into()), ..all.clone() },
        MailFilter { words: Some("100%_such".into()), ..all.clone() },
    ];
    for filter in of_dead {
        assert_eq!(list(&ledger, filter.clone()).await, [dead.id], "{filter:?}");
    }
    for filter in [
        MailFilter { kind: Some("deleted".into()), ..all.clone() },
        MailFilter { recipient: Some("A@example.org".into()), ..all.clone() },
        MailFilter { words: Some("1%mailbox".into()), ..all.clone() },
        MailFilter { words: Some("' OR 1=1 -- ".into()), ..all.clone() },
        MailFilter { requeued_less_than: Some(0), ..all.clone() },
        MailFilter { state: Some(MailState::Dead), user_id: Some(user_id(2)), ..all.clone() },
    ] {
        assert_eq!(list(&ledger, filter.clone()).await, [], "{filter:?}");
    }
    let updated = MailFilter { kind: Some("updated".into()), requeued_less_than: Some(1), ..all };
    assert_eq!(list(&ledger, updated).await.len(), 2);
}

async fn states_are_counted(ledger: Ledger) {
    let all: Vec<_> = (1..=4).map(|n| notification(n, n, "a@example.org")).collect();
    record(&ledger, &all).await;
    let claimed = ledger.claim(2, LONG).await.unwrap();
    ledger.mark_sent(&claimed[0].lease, &Answer::ours("250 ok")).await.unwrap();
    ledger.mark_dead(&claimed[1].lease, &Answer::ours("550 no")).await.unwrap();
    assert!(ledger.cancel(all[2].id).await.unwrap());
    let counts = StateCounts { queued: 1, sent: 1, dead: 1, cancelled: 1 };
    assert_eq!(ledger.count_states().await.unwrap(), counts);
}

async fn a_finished_mail_can_be_put_back_and_is_young_again(ledger: Ledger) {
    let mail = notification(1, 1, "a@example.org");
    record(&ledger, std::slice::from_ref(&mail)).await;
    let claimed = ledger.claim(1, LONG).await.unwrap().pop().unwrap();
    ledger.put_off(&claimed.lease, Duration::ZERO, &Answer::ours("450 later")).await.unwrap();
    give_up(&ledger, &mail, "550 no").await;
    assert!(entry(&ledger, mail.id).await.finished_at.is_some());
    for times in 1..=2 {
        assert!(ledger.requeue(mail.id, Duration::ZERO).await.unwrap());
        let back = entry(&ledger, mail.id).await;
        assert_eq!((back.state, back.requeued, back.attempts), (MailState::Queued, times, 0));
        assert_eq!(
            (back.finished_at, back.last_words.as_deref()),
            (None, if times == 1 { Some("550 no") } else { None })
        );
        let claimed = ledger.claim(1, LONG).await.unwrap().pop().unwrap();
        assert_eq!((claimed.age, claimed.notification), (Duration::ZERO, mail.clone()));
        ledger.mark_sent(&claimed.lease, &Answer::ours("250 ok")).await.unwrap();
    }
    assert_eq!(ledger.attempts(mail.id).await.unwrap().len(), 4, "all that was tried is remembered");
}

async fn a_mail_that_is_to_be_sent_or_was_erased_is_not_put_back(ledger: Ledger) {
    let mail = notification(1, 1, "a@example.org");
    record(&ledger, std::slice::from_ref(&mail)).await;
    assert!(!ledger.requeue(mail.id, LONG).await.unwrap());
    assert_eq!(entry(&ledger, mail.id).await.requeued, 0);
    give_up(&ledger, &mail, "550 no").await;
    ledger.erase_finished(Duration::ZERO, MANY).await.unwrap();
    assert!(!ledger.requeue(mail.id, LONG).await.unwrap());
    assert_eq!(entry(&ledger, mail.id).await.state, MailState::Dead);
    assert!(!ledger.requeue(NotificationId(Uuid::nil()), LONG).await.unwrap());
}

async fn a_mail_that_was_put_back_is_due_when_it_was_asked_to_be(ledger: Ledger) {
    let (first, second) = (notification(1, 1, "a@example.org"), notification(2, 2, "a@example.org"));
    record(&ledger, &[first.clone(), second.clone()]).await;
    give_up(&ledger, &first, "550 no").await;
    give_up(&ledger, &second, "550 no").await;
    ledger.requeue(first.id, LONG).await.unwrap();
    ledger.requeue(second.id, Duration::from_millis(1)).await.unwrap();
    let claimed =
        eventually("the second to be due", async || ledger.claim(MANY, LONG).await.unwrap().pop()).await;
    assert_eq!(claimed.lease.id, second.id);
    assert!(ledger.claim(MANY, LONG).await.unwrap().is_empty());
}

async fn a_mail_that_was_put_back_goes_before_later_ones_that_still_wait(ledger: Ledger) {
    let mails: Vec<_> = (1..=4).map(|n| notification(n, 1, "a@example.org")).collect();
    record(&ledger, &mails[..1]).await;
    give_up(&ledger, &mails[0], "550 no").await;
    record(&ledger, &mails[1..]).await;
    // One that a worker holds already is not called back.
    let held = ledger.claim(MANY, LONG).await.unwrap().pop().unwrap();
    assert_eq!(held.lease.id, mails[1].id);
    assert!(ledger.requeue(mails[0].id, Duration::ZERO).await.unwrap());
    let back = ledger.claim(MANY, LONG).await.unwrap();
    assert_eq!(back.iter().map(|one| one.lease.id).collect::<Vec<_>>(), [mails[0].id]);
    // Those that wait do so for both.
    ledger.mark_sent(&held.lease, &Answer::ours("250 ok")).await.unwrap();
    assert!(ledger.claim(MANY, LONG).await.unwrap().is_empty());
    ledger.mark_sent(&back[0].lease, &Answer::ours("250 ok")).await.unwrap();
    for mail in &mails[2..] {
        let next = ledger.claim(MANY, LONG).await.unwrap().pop().unwrap();
        assert_eq!(next.lease.id, mail.id);
        ledger.mark_sent(&next.lease, &Answer::ours("250 ok")).await.unwrap();
    }
}

async fn a_queued_mail_can_be_cancelled_and_holds_nothing_back(ledger: Ledger) {
    let mails: Vec<_> = (1..=2).map(|n| notification(n, 1, "a@example.org")).collect();
    record(&ledger, &mails).await;
    assert!(ledger.cancel(mails[0].id).await.unwrap());
    let cancelled = entry(&ledger, mails[0].id).await;
    assert_eq!((cancelled.state, cancelled.finished_at.is_some()), (MailState::Cancelled, true));
    assert_eq!(ledger.claim(MANY, LONG).await.unwrap().pop().unwrap().lease.id, mails[1].id);
    assert!(ledger.requeue(mails[0].id, Duration::ZERO).await.unwrap(), "it can be taken back");
}

async fn a_mail_that_is_held_or_finished_is_not_cancelled(ledger: Ledger) {
    let mail = notification(1, 1, "a@example.org");
    record(&ledger, std::slice::from_ref(&mail)).await;
    let claimed = ledger.claim(1, LONG).await.unwrap().pop().unwrap();
    assert!(!ledger.cancel(mail.id).await.unwrap());
    ledger.mark_sent(&claimed.lease, &Answer::ours("250 ok")).await.unwrap();
    assert!(!ledger.cancel(mail.id).await.unwrap());
    assert_eq!(entry(&ledger, mail.id).await.state, MailState::Sent);
    assert!(!ledger.cancel(NotificationId(Uuid::nil())).await.unwrap());
}

async fn a_cancelled_mail_is_lost_to_a_worker_that_outlived_its_lease(ledger: Ledger) {
    let mail = notification(1, 1, "a@example.org");
    record(&ledger, std::slice::from_ref(&mail)).await;
    let claimed = ledger.claim(1, Duration::from_millis(1)).await.unwrap().pop().unwrap();
    eventually("the lease to end", async || ledger.cancel(mail.id).await.unwrap().then_some(())).await;
    let outcome = ledger.put_off(&claimed.lease, LONG, &Answer::ours("450 later")).await;
    assert!(matches!(outcome, Err(LedgerError::LeaseLost(_))), "{outcome:?}");
    assert_eq!(entry(&ledger, mail.id).await.state, MailState::Cancelled);
}

async fn a_cancelled_mail_is_not_recorded_again_and_is_erased_like_others(ledger: Ledger) {
    let mail = notification(1, 1, "a@example.org");
    record(&ledger, std::slice::from_ref(&mail)).await;
    assert!(ledger.cancel(mail.id).await.unwrap());
    assert_eq!(ledger.record(std::slice::from_ref(&mail)).await.unwrap().new, 0);
    assert_eq!(ledger.erase_finished(LONG, MANY).await.unwrap(), 0);
    assert_eq!(ledger.erase_finished(Duration::ZERO, MANY).await.unwrap(), 1);
    assert_eq!(entry(&ledger, mail.id).await.recipient, None);
}

async fn an_erased_mail_tells_nothing_of_the_person(ledger: Ledger) {
    let mail = notification(1, 1, "a@example.org");
    record(&ledger, std::slice::from_ref(&mail)).await;
    give_up(&ledger, &mail, "550 a@example.org is unknown").await;
    let before = entry(&ledger, mail.id).await;
    ledger.erase_finished(Duration::ZERO, MANY).await.unwrap();
    let expected = LedgerEntry { recipient: None, last_words: None, ..before };
    let after = entry(&ledger, mail.id).await;
    assert_eq!(LedgerEntry { since_event: expected.since_event, ..after }, expected);
    let by_address = MailFilter { recipient: Some("a@example.org".into()), ..MailFilter::default() };
    assert_eq!(list(&ledger, by_address).await, []);
}
