//! Delivery through the real mailer, against a server in every kind of trouble: what becomes of the mail that
//! meets it, of the next one to the same address and of another user's.

use std::sync::Arc;
use std::time::Duration;

use notifier_service::data_sources::{SmtpMailer, SmtpSettings, UnlimitedSendRate};
use notifier_service::entities::AttemptOutcome::{Dead, PutOff, Sent, ServerUnavailable};
use notifier_service::entities::{
    AttemptOutcome, BreakerChange, BreakerPace, DeliveryPolicy, DialogueStage, LinkLifetimes, Notification,
    NotificationKind, RetrySchedule,
};
use notifier_service::interactors::{DeliverNotifications, DeliveryPorts, Ending};
use notifier_service::repositories::{MonotonicClock, NotificationLedger};

use crate::support::events::notification;
use crate::support::fakes::{NoJitter, PlainRenderer, SteppedClock};
use crate::support::in_memory_ledger::{InMemoryLedger, State};
use crate::support::smtp_server::{Accepted, Act, Session, SilentPort, SmtpServer};

const POLICY: DeliveryPolicy = DeliveryPolicy {
    lease: Duration::from_secs(60),
    send_limit: Duration::from_secs(40),
    record_limit: Duration::from_secs(5),
    retry: RetrySchedule {
        first_delay: Duration::from_secs(30),
        max_delay: Duration::from_secs(120),
        max_age: Duration::from_secs(300),
    },
    breaker: BreakerPace {
        first_pause: Duration::from_secs(1),
        longest_pause: Duration::from_secs(30),
        probe_limit: Duration::from_secs(60),
    },
    suppress_for: Duration::from_secs(3600),
    links: LinkLifetimes { confirm: Duration::from_secs(7200), reset: Duration::from_secs(3600) },
};

const A: &str = "a@example.org";
const B: &str = "b@example.org";
/// A timeout that has to pass, and yet long enough for a busy machine to get through the steps before.
const BRIEF: Duration = Duration::from_secs(2);

/// Delivers one mail at a time, so that what meets a connection is certain.
struct World {
    clock: Arc<SteppedClock>,
    ledger: Arc<InMemoryLedger>,
    deliver: DeliverNotifications,
    changes: Vec<BreakerChange>,
}

impl World {
    async fn with(batch: &[Notification], url: &str) -> Self {
        let clock = Arc::new(SteppedClock::default());
        let ledger = InMemoryLedger::new(clock.clone());
        ledger.record(batch).await.unwrap();
        let settings = SmtpSettings::parse(&url.into(), "accounts@sender.example").unwrap();
        let settings = SmtpSettings { command_timeout: BRIEF, ..settings };
        let ports = DeliveryPorts {
            ledger: ledger.clone(),
            suppressed: ledger.clone(),
            renderer: Arc::new(PlainRenderer::default()),
            mailer: Arc::new(SmtpMailer::new(settings, clock.clone())),
            rate: Arc::new(UnlimitedSendRate),
            jitter: Arc::new(NoJitter),
            clock: clock.clone(),
        };
        Self { deliver: DeliverNotifications::new(ports, POLICY), clock, ledger, changes: Vec::new() }
    }

    /// Delivers one mail; with none to deliver, a second passes.
    async fn step(&mut self) -> Option<Ending> {
        let mut round = self.deliver.execute(1).await.unwrap();
        let Some(delivery) = round.deliveries.pop() else {
            self.clock.advance(Duration::from_secs(1));
            return None;
        };
        let delivery = delivery.await;
        assert!(delivery.not_recorded.is_none(), "{delivery:?}");
        self.changes.extend(delivery.breaker);
        Some(delivery.ending)
    }

    async fn until_nothing_is_queued(&mut self) {
        for _ in 0..10_000 {
            if self.ledger.rows().iter().all(|row| row.state != State::Queued) {
                return;
            }
            self.step().await;
        }
        panic!("not done: {:?}", self.ledger.rows());
    }

    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn states(&self) -> Vec<(State, u32)> {
        self.ledger.rows().iter().map(|row| (row.state, row.attempts)).collect()
    }

    fn log(&self, row: usize) -> Vec<(AttemptOutcome, Option<DialogueStage>)> {
        self.ledger.rows()[row].log.iter().map(|attempt| (attempt.outcome, attempt.stage)).collect()
    }
}

/// The mail that meets the trouble, the next one to the same address, and another user's to another.
fn three_mails() -> [Notification; 3] {
    [notification(1, 1, A), notification(2, 1, A), notification(3, 2, B)]
}

/// Sends three mails to a server whose first connection goes that way, and checks what became of the first, how
/// often each of the three arrived, and that the breaker opened if and only if that was the server's fault.
async fn meets(session: Session, first: &[(AttemptOutcome, DialogueStage)], arrived: [usize; 3]) {
    let mails = three_mails();
    let server = SmtpServer::start([session]).await;
    let mut world = World::with(&mails, &server.url_with_password()).await;
    world.until_nothing_is_queued().await;

    let log: Vec<_> = first.iter().map(|(outcome, stage)| (*outcome, Some(*stage))).collect();
    assert_eq!(world.log(0), log, "{session:?}");
    let of_the_mail = first.iter().filter(|(outcome, _)| *outcome != ServerUnavailable).count();
    let state = if first.last().unwrap().0 == Dead { State::Dead } else { State::Sent };
    let expected = [(state, u32::try_from(of_the_mail).unwrap()), (State::Sent, 1), (State::Sent, 1)];
    assert_eq!(world.states(), expected, "{session:?}");

    let ids: Vec<_> = server.accepted().iter().map(Accepted::message_id).collect();
    let places = mails.map(|mail| {
        let id = format!("<{}@sender.example>", mail.id);
        ids.iter().enumerate().filter(|(_, one)| **one == id).map(|(place, _)| place).collect::<Vec<_>>()
    });
    assert_eq!(places.each_ref().map(Vec::len), arrived, "{session:?}: {ids:?}");
    assert!(places[0].iter().all(|place| *place < places[1][0]), "{session:?}: overtaken: {ids:?}");

    let is_servers_fault = first.iter().any(|(outcome, _)| *outcome == ServerUnavailable);
    assert_eq!(world.changes.contains(&BreakerChange::Opened), is_servers_fault, "{session:?}");
    assert_eq!(world.changes.len(), if is_servers_fault { 2 } else { 0 }, "{session:?}: {:?}", world.changes);
}

/// The acts of a server without trouble, for one mail.
const FINE: Session = Session {
    greeting: Act::Say("220 test ESMTP"),
    ehlo: Act::Say("250-test\r\n250 AUTH PLAIN"),
    auth: Act::Say("235 welcome"),
    mail: Act::Say("250 ok"),
    rcpt: Act::Say("250 ok"),
    data: Act::Say("354 go on"),
    message: Act::Say("250 accepted"),
    mails: usize::MAX,
    troubled: 1,
};

#[tokio::test]
async fn before_rcpt_trouble_costs_no_mail_anything() {
    use DialogueStage::{Authenticate, Connect, MailFrom, Message};
    for (session, stage) in [
        (Session { greeting: Act::Say("554 no"), ..FINE }, Connect),
        (Session { greeting: Act::Drop, ..FINE }, Connect),
        (Session { greeting: Act::Hang, ..FINE }, Connect),
        (Session { ehlo: Act::Say("550 no"), ..FINE }, Connect),
        (Session { auth: Act::Say("535 no"), ..FINE }, Authenticate),
        (Session { auth: Act::Say("454 later"), ..FINE }, Authenticate),
        (Session { mail: Act::Say("550 no"), ..FINE }, MailFrom),
        (Session { mail: Act::Say("451 later"), ..FINE }, MailFrom),
        (Session { mail: Act::Drop, ..FINE }, MailFrom),
    ] {
        meets(session, &[(ServerUnavailable, stage), (Sent, Message)], [1, 1, 1]).await;
    }
}

#[tokio::test]
async fn a_4xx_to_rcpt_or_data_puts_the_mail_off() {
    use DialogueStage::{Data, Message, RcptTo};
    let later = Act::Say("451 later");
    for (session, stage) in [
        (Session { rcpt: later, ..FINE }, RcptTo),
        (Session { rcpt: Act::Say("421 closing"), ..FINE }, RcptTo),
        (Session { data: later, ..FINE }, Data),
        (Session { message: later, ..FINE }, Message),
    ] {
        meets(session, &[(PutOff, stage), (Sent, Message)], [1, 1, 1]).await;
    }
}

#[tokio::test]
async fn a_4xx_that_passes_delays_the_mail_and_those_behind_it_alone() {
    let server = SmtpServer::start([]).await;
    server.answer_rcpt(A, "451 later");
    let mails = three_mails();
    let mut world = World::with(&mails, &server.url()).await;
    for _ in 0..3 {
        world.step().await;
    }
    assert_eq!(world.states(), [(State::Queued, 1), (State::Queued, 0), (State::Sent, 1)]);
    server.answer_rcpt(A, "250 ok");
    world.until_nothing_is_queued().await;
    assert_eq!(world.states(), [(State::Sent, 2), (State::Sent, 1), (State::Sent, 1)]);
    let ids: Vec<_> = server.accepted().iter().map(Accepted::message_id).collect();
    let expected = [2, 0, 1].map(|mail| format!("<{}@sender.example>", mails[mail].id));
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn a_5xx_ends_the_mail_as_an_answer_to_rcpt_or_data() {
    use DialogueStage::{Data, Message, RcptTo};
    for (session, stage) in [
        // Not of the address, or the next mail would not be tried either.
        (Session { rcpt: Act::Say("550 5.7.1 no"), ..FINE }, RcptTo),
        (Session { data: Act::Say("554 no"), ..FINE }, Data),
        (Session { message: Act::Say("554 no"), ..FINE }, Message),
    ] {
        meets(session, &[(Dead, stage)], [0, 1, 1]).await;
    }
}

#[tokio::test]
async fn an_address_that_is_refused_for_good_ends_the_mails_behind_without_a_dialogue() {
    let server = SmtpServer::start([]).await;
    server.answer_rcpt(A, "550 5.1.1 no such user");
    let mut world = World::with(&three_mails(), &server.url()).await;
    world.until_nothing_is_queued().await;
    assert_eq!(world.states(), [(State::Dead, 1), (State::Dead, 1), (State::Sent, 1)]);
    assert_eq!(world.log(1), [(Dead, None)]);
    let tried = server.commands().iter().filter(|line| line.contains(A)).count();
    assert_eq!(tried, 1);
}

#[tokio::test]
async fn a_connection_lost_with_the_message_sends_it_again_and_twice_at_most() {
    use DialogueStage::{Data, Message};
    for (session, stage, first_arrives) in [
        (Session { data: Act::Drop, ..FINE }, Data, 1),
        (Session { message: Act::Drop, ..FINE }, Message, 1),
        (Session { message: Act::Hang, ..FINE }, Message, 1),
        // The server has it, and nobody can know: the same Message-ID tells the reader.
        (Session { message: Act::TakeAndDrop, ..FINE }, Message, 2),
        (Session { message: Act::TakeAndHang, ..FINE }, Message, 2),
    ] {
        meets(session, &[(PutOff, stage), (Sent, Message)], [first_arrives, 1, 1]).await;
    }
}

#[tokio::test]
async fn a_slow_server_is_waited_for() {
    let slow = Session {
        greeting: Act::SaySlowly("220 test ESMTP"),
        ehlo: Act::SaySlowly("250-test\r\n250 AUTH PLAIN"),
        auth: Act::SaySlowly("235 welcome"),
        mail: Act::SaySlowly("250 ok"),
        rcpt: Act::SaySlowly("250 ok"),
        data: Act::SaySlowly("354 go on"),
        message: Act::SaySlowly("250 accepted"),
        ..FINE
    };
    meets(slow, &[(Sent, DialogueStage::Message)], [1, 1, 1]).await;
}

#[tokio::test]
async fn a_server_that_refuses_connections_for_ten_minutes_costs_nothing_but_the_time() {
    let port = SilentPort::take();
    let mut world = World::with(&three_mails(), &port.url()).await;
    let mut probes = 0;
    while world.now() < Duration::from_secs(600) {
        if let Some(ending) = world.step().await {
            assert!(matches!(ending, Ending::ServerUnavailable(_)), "{ending:?}");
            probes += 1;
        }
    }
    // After 1, 2, 4, 8 and 16 seconds, then every 30.
    assert!((20..=26).contains(&probes), "{probes}");
    // Twice the time after which a mail would be given up.
    assert_eq!(world.states(), [(State::Queued, 0); 3]);
    assert_eq!(world.changes, [BreakerChange::Opened]);

    let server = port.serve();
    world.until_nothing_is_queued().await;
    assert_eq!(world.states(), [(State::Sent, 1); 3]);
    assert_eq!(server.accepted().len(), 3);
    let [BreakerChange::Opened, BreakerChange::Closed(after)] = world.changes[..] else {
        panic!("{:?}", world.changes)
    };
    assert!(after >= Duration::from_secs(600), "{after:?}");
}

#[tokio::test]
async fn an_address_at_a_server_that_answers_4xx_for_ever_does_not_delay_the_alert_to_the_accounts_own() {
    const NEW: &str = "new@elsewhere.example";
    let server = SmtpServer::start([]).await;
    server.answer_rcpt(NEW, "450 4.2.0 greylisted for ever");
    let to_new =
        |number| Notification { kind: NotificationKind::ConfirmNewAddress, ..notification(number, 1, NEW) };
    let alert = |number| Notification {
        kind: NotificationKind::AddressChangeRequested,
        ..notification(number, 1, A)
    };
    let mut world = World::with(&[to_new(1), alert(2)], &server.url()).await;
    for _ in 0..2 {
        world.step().await;
    }
    assert_eq!(world.states(), [(State::Queued, 1), (State::Sent, 1)]);
    assert_eq!(world.now(), Duration::ZERO);
    world.ledger.record(&[to_new(3), alert(4)]).await.unwrap();
    world.step().await;
    assert_eq!(world.states()[3], (State::Sent, 1));
    assert_eq!(world.now(), Duration::ZERO);
    world.until_nothing_is_queued().await;
    assert_eq!([world.states()[0].0, world.states()[2].0], [State::Dead; 2]);
    // Both were given up at the age at which one is, and not one after the other.
    assert!(world.now() < 2 * POLICY.retry.max_age, "{:?}", world.now());
}

/// What a process that is stopped for longer than its lease does when it goes on: the clock jumps.
#[tokio::test]
async fn a_process_that_was_stopped_past_its_lease_sends_nothing_when_it_goes_on() {
    for stage in ["EHLO", "MAIL", "RCPT", "DATA"] {
        let server = SmtpServer::start([]).await;
        let mut world = World::with(&three_mails()[..1], &server.url()).await;
        let clock = world.clock.clone();
        server.on_command(move |verb| {
            if verb == stage {
                clock.advance(POLICY.lease);
            }
        });
        let ending = world.step().await;
        assert!(matches!(ending, Some(Ending::Released)), "{stage}: {ending:?}");
        assert_eq!(server.accepted().len(), 0, "{stage}");
        assert_eq!((world.states(), world.log(0)), (vec![(State::Queued, 0)], vec![]), "{stage}");
        assert_eq!(world.changes, [], "the server is not to blame");
        server.on_command(|_| ());
        world.until_nothing_is_queued().await;
        assert_eq!(server.accepted().len(), 1, "{stage}");
    }
}
