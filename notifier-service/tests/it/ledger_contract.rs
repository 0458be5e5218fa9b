//! What [`NotificationLedger`] promises, run against every ledger.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::DateTime;
use notifier_service::data_sources::{MySqlNotificationLedger, SqliteNotificationLedger};
use notifier_service::entities::{
    Answer, AttemptOutcome, Claimed, DialogueStage, Notification, NotificationId, NotificationKind, Recipient,
};
use notifier_service::repositories::{KEPT_ATTEMPTS, LedgerCounts, LedgerError, NotificationLedger};
use shared_kernel::UserField;
use sqlx::Connection;

use crate::support::events::notification;
use crate::support::{
    databases::{Backend, WholeLedger, with_ledger, with_server_database},
    eventually,
};

type Ledger = Arc<dyn WholeLedger>;

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(1);

/// Instantiates the suite once a backend.
macro_rules! contract {
    ($($test:ident)*) => {
        contract!(@ in_memory InMemory $($test)*);
        contract!(@ sqlite Sqlite $($test)*);
        contract!(@ mariadb MariaDb $($test)*);
        contract!(@ mysql MySql $($test)*);
    };
    (@ $module:ident $backend:ident $($test:ident)*) => {
        mod $module {
            use super::{Backend, with_ledger};
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    with_ledger(Backend::$backend, super::$test).await;
                }
            )*
        }
    };
}

contract! {
    what_is_recorded_is_claimed_unchanged
    recording_again_changes_nothing
    a_batch_is_recorded_as_a_whole_or_not_at_all
    a_batch_of_values_far_too_long_is_rejected_for_good
    rows_are_claimed_in_recorded_order
    a_claimed_row_is_not_claimed_again_while_its_lease_runs
    a_row_whose_lease_ended_is_claimed_again
    the_outcome_is_written_only_by_the_holder_of_the_lease
    an_outcome_is_still_written_when_the_lease_ended_and_nobody_took_over
    concurrent_claims_never_share_a_row
    mails_of_one_user_to_one_address_wait_for_each_other
    another_user_or_address_waits_for_nobody
    addresses_are_compared_byte_by_byte
    a_row_that_is_put_off_is_hidden_until_it_is_due
    a_dead_row_holds_nothing_back
    a_released_row_is_as_it_was
    only_answers_about_the_mail_use_up_an_attempt
    overlong_words_are_shortened
    characters_of_four_bytes_survive
    a_mail_gets_older_by_its_delays_and_so_do_those_that_wait_behind_it
    what_is_left_of_a_lease_is_told_to_its_holder
    attempts_are_remembered_with_the_servers_words
    only_the_last_attempts_are_remembered
    an_address_is_suppressed_for_a_time
    a_suppression_is_only_made_longer
    a_lifted_suppression_is_over
    every_kind_of_mail_is_claimed
    time_is_counted_from_the_event_too
}

async fn claim(ledger: &Ledger, max: u32) -> Vec<Claimed> {
    ledger.claim(max, LONG).await.unwrap()
}

async fn record(ledger: &Ledger, batch: &[Notification]) -> u64 {
    ledger.record(batch).await.unwrap().new
}

fn ids(claimed: &[Claimed]) -> Vec<NotificationId> {
    claimed.iter().map(|one| one.notification.id).collect()
}

async fn claim_one(ledger: &Ledger) -> Claimed {
    eventually("a row to claim", async || ledger.claim(1, LONG).await.unwrap().pop()).await
}

fn ok() -> Answer {
    Answer::at(DialogueStage::Message, "250 queued as 1")
}

fn no(words: &str) -> Answer {
    Answer::at(DialogueStage::RcptTo, words)
}

async fn what_is_recorded_is_claimed_unchanged(ledger: Ledger) {
    let full = notification(1, 1, "ada@example.org");
    let bare = Notification {
        full_name: None,
        changed: vec![],
        other_address: None,
        security_version: None,
        occurred_at: None,
        traceparent: None,
        ..notification(2, 2, "\"odd one\"@bücher.example")
    };
    record(&ledger, &[full.clone(), bare.clone()]).await;
    let claimed = claim(&ledger, 10).await;
    assert_eq!(claimed.iter().map(|one| one.notification.clone()).collect::<Vec<_>>(), [full, bare]);
    assert!(claimed.iter().all(|one| one.attempts == 0 && one.lease.id == one.notification.id));
}

async fn recording_again_changes_nothing(ledger: Ledger) {
    let (first, second) = (notification(1, 1, "a@example.org"), notification(2, 2, "b@example.org"));
    assert_eq!(record(&ledger, &[first.clone(), first.clone()]).await, 1);
    let claimed = claim_one(&ledger).await;
    ledger.mark_sent(&claimed.lease, &ok()).await.unwrap();
    assert_eq!(record(&ledger, &[first, second.clone()]).await, 1);
    assert_eq!(record(&ledger, &[]).await, 0);
    assert_eq!(ledger.counts().await.unwrap(), LedgerCounts { queued: 1, sent: 1, dead: 0 });
    assert_eq!(ids(&claim(&ledger, 10).await), [second.id]);
}

async fn a_batch_is_recorded_as_a_whole_or_not_at_all(ledger: Ledger) {
    let good = notification(1, 1, "a@example.org");
    let overlong = notification(2, 2, &format!("{}@example.org", "x".repeat(400)));
    let error =
        ledger.record(&[good.clone(), overlong, notification(3, 3, "c@example.org")]).await.unwrap_err();
    assert!(matches!(error, LedgerError::Rejected(_)), "{error:?}");
    assert!(!error.is_retryable());
    assert_eq!(ledger.counts().await.unwrap(), LedgerCounts::default());
    assert_eq!(record(&ledger, &[good]).await, 1);
}

async fn a_batch_of_values_far_too_long_is_rejected_for_good(ledger: Ledger) {
    // Together more than a database server takes at once.
    let overlong = "x".repeat(1 << 20);
    let batch: Vec<_> = (1..=70)
        .map(|n| Notification { username: overlong.clone(), ..notification(n, n, "a@example.org") })
        .collect();
    let error = ledger.record(&batch).await.unwrap_err();
    assert!(matches!(error, LedgerError::Rejected(_)), "{error:?}");
}

async fn rows_are_claimed_in_recorded_order(ledger: Ledger) {
    let all: Vec<_> = (1..=7).map(|n| notification(n, n, "same@example.org")).collect();
    record(&ledger, &all[..4]).await;
    record(&ledger, &all[4..]).await;
    let mut claimed = ids(&claim(&ledger, 3).await);
    claimed.extend(ids(&claim(&ledger, 10).await));
    assert_eq!(claimed, all.iter().map(|one| one.id).collect::<Vec<_>>());
}

async fn a_claimed_row_is_not_claimed_again_while_its_lease_runs(ledger: Ledger) {
    record(&ledger, &[notification(1, 1, "a@example.org")]).await;
    assert_eq!(claim(&ledger, 10).await.len(), 1);
    assert_eq!(claim(&ledger, 10).await.len(), 0);
}

async fn a_row_whose_lease_ended_is_claimed_again(ledger: Ledger) {
    record(&ledger, &[notification(1, 1, "a@example.org")]).await;
    let first = ledger.claim(1, SHORT).await.unwrap().pop().unwrap();
    let second = claim_one(&ledger).await;
    assert_eq!(second.notification, first.notification);
    assert_eq!(second.attempts, 0);
    assert_ne!(second.lease.token, first.lease.token);
}

async fn the_outcome_is_written_only_by_the_holder_of_the_lease(ledger: Ledger) {
    record(&ledger, &[notification(1, 1, "a@example.org")]).await;
    let lost = ledger.claim(1, SHORT).await.unwrap().pop().unwrap().lease;
    let held = claim_one(&ledger).await.lease;
    for outcome in [
        ledger.mark_sent(&lost, &ok()).await,
        ledger.mark_dead(&lost, &no("no")).await,
        ledger.put_off(&lost, LONG, &no("no")).await,
        ledger.mark_unavailable(&lost, &no("no")).await,
        ledger.time_left(&lost).await.map(drop),
        ledger.release(&lost).await,
    ] {
        assert!(matches!(outcome, Err(LedgerError::LeaseLost(id)) if id == lost.id), "{outcome:?}");
    }
    ledger.mark_sent(&held, &ok()).await.unwrap();
    assert_eq!(ledger.counts().await.unwrap(), LedgerCounts { queued: 0, sent: 1, dead: 0 });
    assert!(matches!(ledger.mark_dead(&held, &no("no")).await, Err(LedgerError::LeaseLost(_))));
    assert_eq!(ledger.counts().await.unwrap().sent, 1);
}

async fn an_outcome_is_still_written_when_the_lease_ended_and_nobody_took_over(ledger: Ledger) {
    record(&ledger, &[notification(1, 1, "a@example.org")]).await;
    let ended = ledger.claim(1, Duration::ZERO).await.unwrap().pop().unwrap();
    ledger.mark_sent(&ended.lease, &ok()).await.unwrap();
    assert_eq!(ledger.counts().await.unwrap().sent, 1);
}

async fn concurrent_claims_never_share_a_row(ledger: Ledger) {
    const ROWS: usize = 120;
    let all: Vec<_> = (1..=ROWS as u128).map(|n| notification(n, n, "a@example.org")).collect();
    record(&ledger, &all).await;
    let taken = Arc::new(Mutex::new(Vec::new()));
    let claimers = (0..6).map(|_| {
        let (ledger, taken) = (ledger.clone(), taken.clone());
        tokio::spawn(async move {
            eventually("every row to be claimed", async || {
                match ledger.claim(3, LONG).await {
                    Ok(claimed) => taken.lock().unwrap().extend(ids(&claimed)),
                    Err(error) => assert!(error.is_retryable(), "{error:?}"),
                }
                (taken.lock().unwrap().len() >= ROWS).then_some(())
            })
            .await;
        })
    });
    for claimer in claimers.collect::<Vec<_>>() {
        claimer.await.unwrap();
    }
    let taken = taken.lock().unwrap();
    assert_eq!(taken.len(), ROWS);
    assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), ROWS);
}

async fn mails_of_one_user_to_one_address_wait_for_each_other(ledger: Ledger) {
    let all: Vec<_> = (1..=3).map(|n| notification(n, 1, "a@example.org")).collect();
    record(&ledger, &all).await;
    for expected in &all {
        let claimed = claim(&ledger, 10).await;
        assert_eq!(ids(&claimed), [expected.id]);
        assert_eq!(claim(&ledger, 10).await.len(), 0);
        ledger.mark_sent(&claimed[0].lease, &ok()).await.unwrap();
    }
    assert_eq!(claim(&ledger, 10).await.len(), 0);
}

async fn another_user_or_address_waits_for_nobody(ledger: Ledger) {
    let waiting = notification(1, 1, "a@example.org");
    let behind = notification(2, 1, "a@example.org");
    let other_address = notification(3, 1, "b@example.org");
    let other_user = notification(4, 2, "a@example.org");
    record(&ledger, &[waiting.clone(), behind, other_address.clone(), other_user.clone()]).await;
    let first = claim(&ledger, 1).await;
    assert_eq!(ids(&first), [waiting.id]);
    ledger.put_off(&first[0].lease, LONG, &no("451 later")).await.unwrap();
    assert_eq!(ids(&claim(&ledger, 10).await), [other_address.id, other_user.id]);
}

async fn addresses_are_compared_byte_by_byte(ledger: Ledger) {
    let addresses = ["ada@example.org", "Ada@example.org", "adá@example.org", "ada\u{301}@example.org"];
    let all: Vec<_> = (1..).zip(addresses).map(|(n, address)| notification(n, 1, address)).collect();
    record(&ledger, &all).await;
    assert_eq!(claim(&ledger, 10).await.len(), addresses.len());
}

async fn a_row_that_is_put_off_is_hidden_until_it_is_due(ledger: Ledger) {
    let (first, second) = (notification(1, 1, "a@example.org"), notification(2, 2, "b@example.org"));
    record(&ledger, &[first.clone(), second.clone()]).await;
    let claimed = claim(&ledger, 2).await;
    ledger.put_off(&claimed[0].lease, LONG, &no("451 later")).await.unwrap();
    ledger.put_off(&claimed[1].lease, SHORT, &no("451 later")).await.unwrap();
    let again = claim_one(&ledger).await;
    assert_eq!(again.notification, second);
    assert_eq!(again.attempts, 1);
    assert_eq!(claim(&ledger, 10).await.len(), 0);
    assert_eq!(ledger.counts().await.unwrap().queued, 2);
}

async fn a_dead_row_holds_nothing_back(ledger: Ledger) {
    let (dead, next) = (notification(1, 1, "a@example.org"), notification(2, 1, "a@example.org"));
    record(&ledger, &[dead, next.clone()]).await;
    let claimed = claim_one(&ledger).await;
    ledger.mark_dead(&claimed.lease, &no("550 no such user")).await.unwrap();
    assert_eq!(ids(&claim(&ledger, 10).await), [next.id]);
    assert_eq!(ledger.counts().await.unwrap(), LedgerCounts { queued: 1, sent: 0, dead: 1 });
}

async fn a_released_row_is_as_it_was(ledger: Ledger) {
    record(&ledger, &[notification(1, 1, "a@example.org")]).await;
    let first = claim_one(&ledger).await;
    ledger.release(&first.lease).await.unwrap();
    let second = claim(&ledger, 1).await.pop().unwrap();
    assert_eq!((second.notification, second.attempts), (first.notification, 0));
}

async fn only_answers_about_the_mail_use_up_an_attempt(ledger: Ledger) {
    record(&ledger, &[notification(1, 1, "a@example.org")]).await;
    for (counts, attempts) in [(false, 0), (true, 1), (false, 1), (true, 2)] {
        let lease = claim_one(&ledger).await.lease;
        if counts {
            ledger.put_off(&lease, Duration::ZERO, &no("451 later")).await.unwrap();
        } else {
            ledger.mark_unavailable(&lease, &no("421 busy")).await.unwrap();
        }
        let claimed = claim_one(&ledger).await;
        assert_eq!(claimed.attempts, attempts);
        ledger.release(&claimed.lease).await.unwrap();
    }
}

async fn overlong_words_are_shortened(ledger: Ledger) {
    record(&ledger, &[notification(1, 1, "a@example.org")]).await;
    let words = "🦀 refused ".repeat(1000);
    ledger.put_off(&claim_one(&ledger).await.lease, Duration::ZERO, &no(&words)).await.unwrap();
    let claimed = claim_one(&ledger).await;
    ledger.mark_dead(&claimed.lease, &no(&words)).await.unwrap();
    assert_eq!(ledger.counts().await.unwrap().dead, 1);
    let shortened: String = words.chars().take(1000).collect();
    for attempt in ledger.attempts(claimed.notification.id).await.unwrap() {
        assert_eq!(attempt.words.as_deref(), Some(shortened.as_str()));
    }
}

async fn characters_of_four_bytes_survive(ledger: Ledger) {
    let full = Notification {
        username: "🦀".repeat(255),
        full_name: Some("👩‍💻".repeat(85)),
        changed: vec![UserField::Other("🦀\"\\\n".into())],
        ..notification(1, 1, "🦀@example.org")
    };
    record(&ledger, std::slice::from_ref(&full)).await;
    assert_eq!(claim_one(&ledger).await.notification, full);
}

async fn a_mail_gets_older_by_its_delays_and_so_do_those_that_wait_behind_it(ledger: Ledger) {
    let before = notification(1, 1, "a@example.org");
    let head = notification(2, 1, "a@example.org");
    let behind = notification(3, 1, "a@example.org");
    let other_address = notification(4, 1, "b@example.org");
    let other_user = notification(5, 2, "a@example.org");
    record(&ledger, std::slice::from_ref(&before)).await;
    ledger.mark_sent(&claim_one(&ledger).await.lease, &ok()).await.unwrap();
    record(&ledger, &[head.clone(), behind.clone(), other_address.clone(), other_user.clone()]).await;
    let claimed = claim(&ledger, 10).await;
    assert!(claimed.iter().all(|one| one.age.is_zero()), "{claimed:?}");
    let lease = &claimed.iter().find(|one| one.notification.id == head.id).unwrap().lease;
    ledger.mark_unavailable(lease, &no("421 busy")).await.unwrap();
    for (delay, age) in [(SHORT, Duration::ZERO), (2 * SHORT, SHORT)] {
        let claimed = claim_one(&ledger).await;
        assert_eq!((claimed.notification.id, claimed.age), (head.id, age));
        ledger.put_off(&claimed.lease, delay, &no("451 later")).await.unwrap();
    }
    let late = notification(6, 1, "a@example.org");
    record(&ledger, std::slice::from_ref(&late)).await;
    for (id, age) in [(head.id, 3 * SHORT), (behind.id, 3 * SHORT), (late.id, Duration::ZERO)] {
        let claimed = claim_one(&ledger).await;
        assert_eq!((claimed.notification.id, claimed.age), (id, age));
        ledger.mark_dead(&claimed.lease, &no("550 no")).await.unwrap();
    }
    for one in claimed.iter().filter(|one| one.notification.id != head.id) {
        ledger.release(&one.lease).await.unwrap();
    }
    let others = claim(&ledger, 10).await;
    assert_eq!(ids(&others), [other_address.id, other_user.id]);
    assert!(others.iter().all(|one| one.age.is_zero()), "{others:?}");
}

async fn what_is_left_of_a_lease_is_told_to_its_holder(ledger: Ledger) {
    record(&ledger, &[notification(1, 1, "a@example.org")]).await;
    let lease = claim_one(&ledger).await.lease;
    let left = ledger.time_left(&lease).await.unwrap();
    assert!(left <= LONG && left > LONG / 2, "{left:?}");
    ledger.release(&lease).await.unwrap();
    assert!(matches!(ledger.time_left(&lease).await, Err(LedgerError::LeaseLost(id)) if id == lease.id));
    let ended = ledger.claim(1, Duration::ZERO).await.unwrap().pop().unwrap().lease;
    assert_eq!(ledger.time_left(&ended).await.unwrap(), Duration::ZERO);
    let held = claim_one(&ledger).await.lease;
    assert!(matches!(ledger.time_left(&ended).await, Err(LedgerError::LeaseLost(_))));
    ledger.mark_sent(&held, &ok()).await.unwrap();
    assert!(matches!(ledger.time_left(&held).await, Err(LedgerError::LeaseLost(_))));
}

async fn attempts_are_remembered_with_the_servers_words(ledger: Ledger) {
    let (first, second) = (notification(1, 1, "a@example.org"), notification(2, 2, "b@example.org"));
    record(&ledger, std::slice::from_ref(&first)).await;
    assert_eq!(ledger.attempts(first.id).await.unwrap(), []);
    let unavailable = Answer::at(DialogueStage::Authenticate, "535 no");
    ledger.mark_unavailable(&claim_one(&ledger).await.lease, &unavailable).await.unwrap();
    ledger.put_off(&claim_one(&ledger).await.lease, Duration::ZERO, &no("451 <🦀@x>")).await.unwrap();
    ledger.release(&claim_one(&ledger).await.lease).await.unwrap();
    ledger.mark_sent(&claim_one(&ledger).await.lease, &ok()).await.unwrap();
    record(&ledger, std::slice::from_ref(&second)).await;
    ledger.mark_dead(&claim_one(&ledger).await.lease, &Answer::ours("expired")).await.unwrap();
    let told = async |id| {
        let attempts = ledger.attempts(id).await.unwrap();
        assert!(attempts.windows(2).all(|two| two[0].recorded_at <= two[1].recorded_at), "{attempts:?}");
        attempts.into_iter().map(|one| (one.outcome, one.stage, one.words.unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(
        told(first.id).await,
        [
            (AttemptOutcome::ServerUnavailable, Some(DialogueStage::Authenticate), "535 no".to_owned()),
            (AttemptOutcome::PutOff, Some(DialogueStage::RcptTo), "451 <🦀@x>".to_owned()),
            (AttemptOutcome::Sent, Some(DialogueStage::Message), "250 queued as 1".to_owned()),
        ]
    );
    assert_eq!(told(second.id).await, [(AttemptOutcome::Dead, None, "expired".to_owned())]);
}

async fn only_the_last_attempts_are_remembered(ledger: Ledger) {
    let (many, one) = (notification(1, 1, "a@example.org"), notification(2, 2, "b@example.org"));
    record(&ledger, std::slice::from_ref(&one)).await;
    ledger.mark_dead(&claim_one(&ledger).await.lease, &no("550 no")).await.unwrap();
    record(&ledger, std::slice::from_ref(&many)).await;
    let mut words = Vec::new();
    for number in 0..KEPT_ATTEMPTS + 3 {
        words.push(format!("451 later {number}"));
        let answer = no(words.last().unwrap());
        ledger.mark_unavailable(&claim_one(&ledger).await.lease, &answer).await.unwrap();
    }
    let attempts = ledger.attempts(many.id).await.unwrap();
    assert_eq!(attempts.into_iter().map(|one| one.words.unwrap()).collect::<Vec<_>>(), words[3..]);
    assert_eq!(ledger.attempts(one.id).await.unwrap().len(), 1);
}

async fn an_address_is_suppressed_for_a_time(ledger: Ledger) {
    let (ada, eve) = (Recipient::new("ada@example.org"), Recipient::new("eve@example.org"));
    let refused = notification(1, 1, "ada@example.org").id;
    assert_eq!(ledger.find(&ada).await.unwrap(), None);
    ledger.suppress(&ada, LONG, refused).await.unwrap();
    ledger.suppress(&eve, SHORT, refused).await.unwrap();
    assert_eq!(ledger.find(&Recipient::new("ada@EXAMPLE.org")).await.unwrap(), Some(refused));
    assert_eq!(ledger.find(&Recipient::new("Ada@example.org")).await.unwrap(), None);
    eventually("the suppression to end", async || ledger.find(&eve).await.unwrap().is_none().then_some(()))
        .await;
    assert_eq!(ledger.find(&ada).await.unwrap(), Some(refused));
}

async fn a_suppression_is_only_made_longer(ledger: Ledger) {
    let ada = Recipient::new("ada@example.org");
    let (first, second) =
        (notification(1, 1, "ada@example.org").id, notification(2, 1, "ada@example.org").id);
    ledger.suppress(&ada, LONG, first).await.unwrap();
    ledger.suppress(&ada, Duration::ZERO, second).await.unwrap();
    assert_eq!(ledger.find(&ada).await.unwrap(), Some(second));
}

async fn a_lifted_suppression_is_over(ledger: Ledger) {
    let ada = Recipient::new("ada@example.org");
    ledger.lift(&ada).await.unwrap();
    ledger.suppress(&ada, LONG, notification(1, 1, "ada@example.org").id).await.unwrap();
    ledger.lift(&ada).await.unwrap();
    assert_eq!(ledger.find(&ada).await.unwrap(), None);
}

async fn every_kind_of_mail_is_claimed(ledger: Ledger) {
    let all: Vec<_> = (1..)
        .zip(NotificationKind::ALL)
        .map(|(n, kind)| Notification { kind, ..notification(n, n, "a@example.org") })
        .collect();
    record(&ledger, &all).await;
    let claimed = claim(&ledger, 100).await;
    assert_eq!(claimed.iter().map(|one| one.notification.kind).collect::<Vec<_>>(), NotificationKind::ALL);
}

async fn time_is_counted_from_the_event_too(ledger: Ledger) {
    let of_the_past =
        Notification { occurred_at: Some(DateTime::UNIX_EPOCH), ..notification(1, 1, "a@example.org") };
    let of_the_future = Notification {
        occurred_at: DateTime::from_timestamp(4_102_444_800, 0),
        ..notification(2, 2, "a@example.org")
    };
    let of_no_time = Notification { occurred_at: None, ..notification(3, 3, "a@example.org") };
    record(&ledger, &[of_the_past, of_the_future, of_no_time]).await;
    eventually("time to pass", async || {
        let claimed = claim(&ledger, 10).await;
        for one in &claimed {
            ledger.release(&one.lease).await.unwrap();
        }
        let [past, future, none] = claimed.as_slice() else { panic!("{claimed:?}") };
        assert_eq!((future.since_event, none.since_event), (Some(Duration::ZERO), None));
        // The ledger in memory starts its clock at the epoch.
        (past.since_event.unwrap() > Duration::ZERO).then_some(())
    })
    .await;
}

const BY_A_NEWER_RELEASE: &str = "UPDATE notifications SET kind = 'of-a-newer-release' WHERE seq = 1";

/// A row that this build cannot read, one behind it and one of another user: only the last is claimed.
async fn leaves_a_newer_releases_row_alone(
    ledger: &dyn NotificationLedger,
    change: impl Future<Output = ()>,
) {
    let all = [(1, 1), (2, 1), (3, 2)].map(|(number, user)| notification(number, user, "a@example.org"));
    ledger.record(&all).await.unwrap();
    change.await;
    assert_eq!(ids(&ledger.claim(10, LONG).await.unwrap()), [all[2].id]);
    assert_eq!(ledger.counts().await.unwrap().queued, 3);
}

async fn newer_release_on_a_server(backend: Backend) {
    with_server_database(backend, async |url| {
        tokio::spawn(async move {
            MySqlNotificationLedger::migrate(&url).await.unwrap();
            let ledger = MySqlNotificationLedger::open(&url, 2).await.unwrap();
            let change = async {
                let mut connection = sqlx::MySqlConnection::connect(&url).await.unwrap();
                sqlx::raw_sql(BY_A_NEWER_RELEASE).execute(&mut connection).await.unwrap();
            };
            leaves_a_newer_releases_row_alone(&ledger, change).await;
            ledger.close().await;
        })
        .await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_mariadb_a_newer_releases_row_is_left_alone_and_holds_no_other_user_up() {
    newer_release_on_a_server(Backend::MariaDb).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_mysql_a_newer_releases_row_is_left_alone_and_holds_no_other_user_up() {
    newer_release_on_a_server(Backend::MySql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite_a_newer_releases_row_is_left_alone_and_holds_no_other_user_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    SqliteNotificationLedger::migrate(&path).await.unwrap();
    let ledger = SqliteNotificationLedger::open(&path).await.unwrap();
    let change = async {
        let mut connection = sqlx::SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
        sqlx::raw_sql(BY_A_NEWER_RELEASE).execute(&mut connection).await.unwrap();
    };
    leaves_a_newer_releases_row_alone(&ledger, change).await;
    ledger.close().await;
}
