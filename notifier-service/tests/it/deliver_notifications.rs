//! [`DeliverNotifications`], a step at a time, against a ledger, a mail server and a clock in memory.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use futures_util::future::join_all;
use notifier_service::data_sources::UnlimitedSendRate;
use notifier_service::entities::{
    Answer, AttemptOutcome, BreakerChange, BreakerPace, DeliveryPolicy, DialogueStage, LinkLifetimes,
    Notification, NotificationKind, RetrySchedule,
};
use notifier_service::interactors::{DeliverNotifications, Delivery, DeliveryPorts, Ending};
use notifier_service::repositories::{LedgerError, MailerError, NotificationLedger, SendRate};

use crate::support::events::notification;
use crate::support::fakes::{FakeMailServer, NoJitter, PlainRenderer, SteppedClock, SteppedRate};
use crate::support::in_memory_ledger::{InMemoryLedger, State};

const POLICY: DeliveryPolicy = DeliveryPolicy {
    lease: Duration::from_secs(60),
    send_limit: Duration::from_secs(15),
    record_limit: Duration::from_secs(5),
    retry: RetrySchedule {
        first_delay: Duration::from_secs(10),
        max_delay: Duration::from_secs(40),
        max_age: Duration::from_secs(100),
    },
    breaker: BreakerPace {
        first_pause: Duration::from_secs(1),
        longest_pause: Duration::from_secs(8),
        probe_limit: Duration::from_secs(60),
    },
    suppress_for: Duration::from_secs(1000),
    links: LinkLifetimes { confirm: Duration::from_secs(50), reset: Duration::from_secs(20) },
};

const SIDE_BY_SIDE: u32 = 8;

const A: &str = "a@example.org";
const B: &str = "b@example.org";

#[derive(Debug)]
struct Outcome {
    deliveries: Vec<Delivery>,
}

impl Outcome {
    fn claimed(&self) -> usize {
        self.deliveries.len()
    }

    fn sent(&self) -> usize {
        self.deliveries.iter().filter(|one| matches!(one.ending, Ending::Sent(_))).count()
    }

    fn breaker(&self) -> Vec<BreakerChange> {
        self.deliveries.iter().filter_map(|one| one.breaker).collect()
    }

    fn server_unavailable(&self) -> bool {
        self.deliveries.iter().any(|one| matches!(one.ending, Ending::ServerUnavailable { .. }))
    }
}

struct World {
    clock: Arc<SteppedClock>,
    ledger: Arc<InMemoryLedger>,
    server: Arc<FakeMailServer>,
    deliver: DeliverNotifications,
}

impl World {
    async fn with(batch: &[Notification]) -> Self {
        Self::rendering(batch, |_| PlainRenderer::default()).await
    }

    async fn rendering(
        batch: &[Notification],
        renderer: impl FnOnce(&Arc<SteppedClock>) -> PlainRenderer,
    ) -> Self {
        Self::pacing(batch, renderer, |_, _| Arc::new(UnlimitedSendRate)).await
    }

    async fn pacing(
        batch: &[Notification],
        renderer: impl FnOnce(&Arc<SteppedClock>) -> PlainRenderer,
        rate: impl FnOnce(&Arc<SteppedClock>, &Arc<InMemoryLedger>) -> Arc<dyn SendRate>,
    ) -> Self {
        let clock = Arc::new(SteppedClock::default());
        let ledger = InMemoryLedger::new(clock.clone());
        let server = Arc::new(FakeMailServer::default());
        ledger.record(batch).await.unwrap();
        let ports = DeliveryPorts {
            ledger: ledger.clone(),
            suppressed: ledger.clone(),
            renderer: Arc::new(renderer(&clock)),
            mailer: server.clone(),
            rate: rate(&clock, &ledger),
            jitter: Arc::new(NoJitter),
            clock: clock.clone(),
        };
        Self { deliver: DeliverNotifications::new(ports, POLICY), clock, ledger, server }
    }

    /// Claims, and runs what it got until the last has ended.
    async fn step(&self) -> Outcome {
        let round = self.deliver.execute(SIDE_BY_SIDE).await.unwrap();
        Outcome { deliveries: join_all(round.deliveries).await }
    }

    fn log(&self, row: usize) -> Vec<AttemptOutcome> {
        self.ledger.rows()[row].log.iter().map(|attempt| attempt.outcome).collect()
    }

    fn states(&self) -> Vec<(State, u32)> {
        self.ledger.rows().iter().map(|row| (row.state, row.attempts)).collect()
    }
}

fn deferred() -> MailerError {
    MailerError::Deferred(Answer::at(DialogueStage::RcptTo, "451 later"))
}

fn refused(words: &str) -> MailerError {
    MailerError::Refused(Answer::at(DialogueStage::Message, words))
}

fn unavailable() -> MailerError {
    MailerError::ServerUnavailable(Answer::at(DialogueStage::Connect, "421 go away"))
}

#[tokio::test]
async fn what_is_due_is_sent_once() {
    let world = World::with(&[notification(1, 1, A), notification(2, 2, B)]).await;
    let outcome = world.step().await;
    assert_eq!((outcome.claimed(), outcome.sent(), outcome.server_unavailable()), (2, 2, false));
    assert_eq!(world.states(), [(State::Sent, 1), (State::Sent, 1)]);
    assert_eq!(world.step().await.claimed(), 0);
    assert_eq!(world.server.accepted(), [A, B]);
}

#[tokio::test]
async fn a_mail_that_is_put_off_comes_again_with_longer_and_longer_delays() {
    let world = World::with(&[notification(1, 1, A)]).await;
    world.server.answer(A, deferred());
    for (attempt, delay) in [(1, 10), (2, 20)] {
        let outcome = world.step().await;
        let Ending::PutOff { after, answer } = &outcome.deliveries[0].ending else { panic!("{outcome:?}") };
        assert_eq!((after.as_secs(), answer.words.as_str()), (delay, "451 later"));
        assert_eq!(world.states(), [(State::Queued, attempt)]);
        world.clock.advance(*after - Duration::from_millis(1));
        assert_eq!(world.step().await.claimed(), 0);
        world.clock.advance(Duration::from_millis(1));
    }
    world.server.accept(A);
    assert_eq!(world.step().await.sent(), 1);
    assert_eq!(world.states(), [(State::Sent, 3)]);
}

#[tokio::test]
async fn a_mail_that_is_put_off_for_too_long_is_given_up_after_a_last_attempt_at_the_maximum_age() {
    let world = World::with(&[notification(1, 1, A)]).await;
    world.server.answer(A, deferred());
    let mut waited = Duration::ZERO;
    loop {
        let outcome = world.step().await;
        match &outcome.deliveries[0].ending {
            Ending::PutOff { after, .. } => {
                world.clock.advance(*after);
                waited += *after;
            }
            Ending::Dead(answer) => {
                assert_eq!(answer.words, "given up after 5 attempts: 451 later");
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(waited, POLICY.retry.max_age);
    assert_eq!(world.states(), [(State::Dead, 5)]);
}

/// A mail with a link, about an event at the beginning of the world's clock.
fn with_link(number: u128, kind: NotificationKind, address: &str) -> Notification {
    let occurred_at = Some(DateTime::UNIX_EPOCH);
    Notification { kind, occurred_at, ..notification(number, number, address) }
}

#[tokio::test]
async fn a_mail_whose_link_has_expired_is_not_sent() {
    let batch = [
        with_link(1, NotificationKind::ResetPassword, A),
        with_link(2, NotificationKind::ConfirmAddress, A),
        with_link(3, NotificationKind::PasswordChanged, A),
    ];
    let world = World::with(&batch).await;
    world.server.answer(A, unavailable());
    world.step().await;
    world.clock.advance(Duration::from_secs(18));
    world.step().await;
    assert_eq!(world.states(), [(State::Queued, 0); 3]);
    world.clock.advance(Duration::from_secs(2));
    world.server.accept(A);
    for _ in 0..3 {
        world.step().await;
    }
    assert_eq!(world.states(), [(State::Dead, 1), (State::Sent, 1), (State::Sent, 1)]);
    let words = world.ledger.rows()[0].last_error.clone().unwrap();
    assert_eq!(words, "its link expired before it could be sent");
}

#[tokio::test]
async fn a_link_that_came_too_late_from_the_topic_is_not_sent_either() {
    let late = with_link(1, NotificationKind::ConfirmNewAddress, A);
    let world = World::with(&[]).await;
    world.clock.advance(Duration::from_secs(50));
    world.ledger.record(&[late]).await.unwrap();
    let outcome = world.step().await;
    assert!(matches!(outcome.deliveries[0].ending, Ending::Dead(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_refused_mail_is_dead_and_the_next_one_to_the_same_address_is_tried() {
    let world = World::with(&[notification(1, 1, A), notification(2, 1, A)]).await;
    world.server.answer(A, refused("550 no <a@example.org> here"));
    let outcome = world.step().await;
    let delivery = &outcome.deliveries[0];
    let Ending::Dead(answer) = &delivery.ending else { panic!("{outcome:?}") };
    assert_eq!(
        (answer.words.as_str(), delivery.recipient.as_str()),
        ("550 no <a***@example.org> here", "a***@example.org")
    );
    assert_eq!(world.ledger.rows()[0].last_error.as_deref(), Some("550 no <a@example.org> here"));
    world.server.accept(A);
    assert_eq!(world.step().await.sent(), 1);
    assert_eq!(world.states(), [(State::Dead, 1), (State::Sent, 1)]);
}

#[tokio::test]
async fn an_unavailable_server_costs_no_mail_an_attempt_and_is_asked_by_one_mail_at_a_time() {
    let all: Vec<_> = (1..=5).map(|n| notification(n, n, A)).collect();
    let world = World::with(&all).await;
    world.server.answer(A, unavailable());
    let outcome = world.step().await;
    assert_eq!(outcome.claimed(), 5);
    // Once one has found out, the others are not tried.
    let tried = outcome.deliveries.iter().filter(|one| !matches!(one.ending, Ending::Released)).count();
    assert_eq!(tried, 1);
    assert_eq!(outcome.breaker(), [BreakerChange::Opened]);
    for pause in [1, 2, 4, 8, 8, 8] {
        let round = world.deliver.execute(SIDE_BY_SIDE).await.unwrap();
        assert_eq!((round.deliveries.len(), round.pause), (0, Some(Duration::from_secs(pause))));
        world.clock.advance(Duration::from_secs(pause));
        let outcome = world.step().await;
        assert_eq!((outcome.claimed(), outcome.server_unavailable()), (1, true));
        assert_eq!(outcome.breaker(), []);
    }
    world.clock.advance(POLICY.retry.max_age * 10);
    assert_eq!(world.states(), [(State::Queued, 0); 5]);
    world.server.accept(A);
    let outcome = world.step().await;
    assert_eq!(
        (outcome.sent(), outcome.breaker()),
        (1, vec![BreakerChange::Closed(Duration::from_secs(1031))])
    );
    assert_eq!(world.step().await.sent(), 4);
}

#[tokio::test]
async fn the_time_of_an_outage_makes_no_mail_older() {
    let world = World::with(&[notification(1, 1, A), notification(2, 1, A)]).await;
    world.server.answer(A, deferred());
    world.step().await;
    world.clock.advance(Duration::from_secs(10));
    world.server.answer(A, unavailable());
    world.step().await;
    world.clock.advance(POLICY.retry.max_age * 2);
    world.server.answer(A, deferred());
    let outcome = world.step().await;
    let Ending::PutOff { after, .. } = &outcome.deliveries[0].ending else { panic!("{outcome:?}") };
    assert_eq!(after.as_secs(), 20);
    assert_eq!(world.states(), [(State::Queued, 2), (State::Queued, 0)]);
    assert_eq!(
        world.log(0),
        [AttemptOutcome::PutOff, AttemptOutcome::ServerUnavailable, AttemptOutcome::PutOff]
    );
}

#[tokio::test]
async fn a_mail_that_waited_behind_another_is_given_up_with_it_and_not_as_long_after() {
    let world = World::with(&[notification(1, 1, A), notification(2, 1, A)]).await;
    world.server.answer(A, deferred());
    loop {
        let outcome = world.step().await;
        match &outcome.deliveries[0].ending {
            Ending::PutOff { after, .. } => world.clock.advance(*after),
            Ending::Dead(_) => break,
            other => panic!("{other:?}"),
        }
    }
    let outcome = world.step().await;
    assert!(matches!(&outcome.deliveries[0].ending, Ending::Dead(_)), "{outcome:?}");
    assert_eq!(world.states(), [(State::Dead, 5), (State::Dead, 1)]);
}

#[tokio::test]
async fn a_probe_without_a_dialogue_tells_nothing_and_gives_way_to_the_next() {
    let batch = [with_link(1, NotificationKind::ResetPassword, A), notification(2, 2, B)];
    let world = World::with(&batch).await;
    world.server.answer(A, unavailable());
    world.server.answer(B, unavailable());
    world.step().await;
    world.clock.advance(Duration::from_secs(20));
    world.server.accept(B);
    // The link of the first has expired by now.
    let outcomes = [world.step().await, world.step().await];
    assert_eq!(
        outcomes.map(|one| one.breaker()),
        [vec![], vec![BreakerChange::Closed(Duration::from_secs(20))]]
    );
    assert_eq!(world.states(), [(State::Dead, 1), (State::Sent, 1)]);
}

#[tokio::test]
async fn while_there_is_nothing_to_send_the_breaker_stays_open_and_the_next_mail_is_the_probe() {
    let world = World::with(&[notification(1, 1, A)]).await;
    world.server.answer(A, unavailable());
    world.step().await;
    world.clock.advance(Duration::from_secs(1));
    world.ledger.fail_next(1);
    assert!(world.deliver.execute(SIDE_BY_SIDE).await.is_err());
    world.server.accept(A);
    assert_eq!(world.step().await.breaker(), [BreakerChange::Closed(Duration::from_secs(1))]);
}

fn address_refused() -> MailerError {
    MailerError::AddressRefused(Answer::at(DialogueStage::RcptTo, "550 5.1.1 no such user"))
}

#[tokio::test]
async fn an_address_that_was_refused_for_good_is_not_tried_again_for_a_time() {
    let batch = [notification(1, 1, A), notification(2, 1, A), notification(3, 2, A), notification(4, 1, B)];
    let world = World::with(&batch).await;
    world.server.answer(A, address_refused());
    world.step().await;
    world.server.accept(A);
    world.step().await;
    assert_eq!(world.server.accepted(), [B]);
    let words = world.ledger.rows()[1].last_error.clone().unwrap();
    assert_eq!(words, format!("not tried: the address was refused for good, mail {} tells how", batch[0].id));
    assert_eq!(world.ledger.rows()[1].log[0].stage, None);
    world.clock.advance(POLICY.suppress_for);
    world.ledger.record(&[notification(5, 1, A)]).await.unwrap();
    world.step().await;
    assert_eq!(world.server.accepted(), [B, A]);
    assert_eq!(world.states()[4], (State::Sent, 1));
}

#[tokio::test]
async fn a_security_alert_is_tried_nevertheless_and_lifts_the_suppression_if_it_arrives() {
    let alert =
        |number| Notification { kind: NotificationKind::PasswordChanged, ..notification(number, 1, A) };
    let batch = [notification(1, 1, A), alert(2), notification(3, 1, A), alert(4), notification(5, 1, A)];
    let world = World::with(&batch).await;
    world.server.answer(A, address_refused());
    for _ in 0..3 {
        world.step().await;
    }
    world.server.accept(A);
    for _ in 0..2 {
        world.step().await;
    }
    let states: Vec<_> = world.states().into_iter().map(|(state, _)| state).collect();
    assert_eq!(states, [State::Dead, State::Dead, State::Dead, State::Sent, State::Sent]);
}

#[tokio::test]
async fn a_waiting_mail_holds_back_only_the_same_users_same_address() {
    let world = World::with(&[
        notification(1, 1, A),
        notification(2, 1, A),
        notification(3, 1, B),
        notification(4, 2, B),
    ])
    .await;
    world.server.answer(A, deferred());
    world.step().await;
    assert_eq!(world.server.accepted(), [B, B]);
    world.server.accept(A);
    assert_eq!(world.step().await.claimed(), 0, "the later mail must not overtake");
    world.clock.advance(Duration::from_secs(10));
    world.step().await;
    world.step().await;
    assert_eq!(world.server.accepted(), [B, B, A, A]);
}

#[tokio::test]
async fn a_mail_is_not_sent_when_too_little_is_left_of_its_lease() {
    let slow = |clock: &Arc<SteppedClock>| PlainRenderer {
        takes: Some((clock.clone(), Duration::from_secs(41))),
        ..PlainRenderer::default()
    };
    let world = World::rendering(&[notification(1, 1, A)], slow).await;
    let outcome = world.step().await;
    assert!(matches!(outcome.deliveries[0].ending, Ending::Released), "{outcome:?}");
    assert_eq!(world.server.accepted(), [""; 0]);
    assert_eq!(world.states(), [(State::Queued, 0)]);
}

#[tokio::test]
async fn an_outcome_is_recorded_once_the_ledger_is_back() {
    let world = World::with(&[notification(1, 1, A)]).await;
    let ledger = world.ledger.clone();
    world.server.during_send(move || ledger.fail_next(4));
    let outcome = world.step().await;
    assert!(outcome.deliveries[0].not_recorded.is_none(), "{outcome:?}");
    assert_eq!(world.states(), [(State::Sent, 1)]);
    assert_eq!(world.server.accepted(), [A]);
}

#[tokio::test]
async fn an_outcome_that_cannot_be_recorded_for_the_time_of_the_lease_is_told() {
    let world = World::with(&[notification(1, 1, A)]).await;
    let ledger = world.ledger.clone();
    world.server.during_send(move || ledger.fail_next(u32::MAX));
    let outcome = world.step().await;
    assert!(matches!(outcome.deliveries[0].not_recorded, Some(LedgerError::Unavailable(_))), "{outcome:?}");
    assert!(matches!(outcome.deliveries[0].ending, Ending::Sent(_)));
}

#[tokio::test]
async fn an_outcome_is_not_written_over_the_lease_of_the_next_holder() {
    let world = World::with(&[notification(1, 1, A)]).await;
    let ledger = world.ledger.clone();
    world.server.during_send(move || ledger.take_over());
    world.server.answer(A, refused("550 no"));
    let outcome = world.step().await;
    assert!(matches!(outcome.deliveries[0].not_recorded, Some(LedgerError::LeaseLost(_))), "{outcome:?}");
    assert_eq!(world.states(), [(State::Queued, 0)]);
}

#[tokio::test]
async fn a_template_that_fails_ends_its_own_mail_only() {
    let failing =
        |_: &Arc<SteppedClock>| PlainRenderer { fails_for: Some("user1".into()), ..PlainRenderer::default() };
    let world = World::rendering(&[notification(1, 1, A), notification(2, 2, B)], failing).await;
    world.step().await;
    assert_eq!(world.states(), [(State::Dead, 1), (State::Sent, 1)]);
    let words = world.ledger.rows()[0].last_error.clone().unwrap();
    assert_eq!(words, "the template en/updated.text cannot be filled in: line 3");
}

#[tokio::test]
async fn without_a_ledger_nothing_is_claimed() {
    let world = World::with(&[notification(1, 1, A)]).await;
    world.ledger.fail_next(1);
    assert!(world.deliver.execute(SIDE_BY_SIDE).await.is_err());
    assert_eq!(world.step().await.sent(), 1);
}

#[tokio::test]
async fn a_mail_that_another_worker_took_over_while_it_waited_is_left_to_that() {
    let world = World::pacing(
        &[notification(1, 1, A)],
        |_| PlainRenderer::default(),
        |clock, ledger| {
            let ledger = ledger.clone();
            Arc::new(SteppedRate::new(clock.clone(), Duration::ZERO, move || ledger.take_over()))
        },
    )
    .await;
    let outcome = world.step().await;
    assert!(matches!(outcome.deliveries[0].ending, Ending::LeaseLost), "{outcome:?}");
    assert!(outcome.deliveries[0].not_recorded.is_none(), "{outcome:?}");
    assert_eq!(world.server.accepted(), [""; 0]);
}

#[tokio::test]
async fn mails_wait_for_their_turn_and_are_put_back_when_it_comes_too_late_for_the_lease() {
    let all: Vec<_> = (1..=8).map(|n| notification(n, n, A)).collect();
    let slow = |clock: &Arc<SteppedClock>, _: &Arc<InMemoryLedger>| -> Arc<dyn SendRate> {
        Arc::new(SteppedRate::new(clock.clone(), Duration::from_secs(10), || ()))
    };
    let world = World::pacing(&all, |_| PlainRenderer::default(), slow).await;
    let outcome = world.step().await;
    // A send may begin in the first 40 seconds of a lease: at 0, 10, 20, 30 and 40.
    assert_eq!((outcome.claimed(), outcome.sent()), (8, 5));
    assert_eq!(world.states()[5..], [(State::Queued, 0); 3]);
    assert_eq!(world.step().await.sent(), 3);
}

#[tokio::test]
async fn at_the_end_of_the_process_what_waits_for_its_turn_is_put_back() {
    let all: Vec<_> = (1..=3).map(|n| notification(n, n, A)).collect();
    let slow = |clock: &Arc<SteppedClock>, _: &Arc<InMemoryLedger>| -> Arc<dyn SendRate> {
        Arc::new(SteppedRate::new(clock.clone(), Duration::from_secs(10), || ()))
    };
    let world = World::pacing(&all, |_| PlainRenderer::default(), slow).await;
    world.deliver.stop_waiting();
    world.step().await;
    assert_eq!(world.states(), [(State::Sent, 1), (State::Queued, 0), (State::Queued, 0)]);
    assert_eq!(world.ledger.claim(10, Duration::from_secs(1)).await.unwrap().len(), 2);
}
