//! What an operator can do, against a ledger in memory.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use notifier_service::entities::{
    Answer, LinkLifetimes, MailFilter, MailState, Notification, NotificationId, NotificationKind, Recipient,
};
use notifier_service::interactors::{
    CancelMail, InspectMails, OperatorError, RedriveMails, RedriveRequest, Redriven, ResendMail,
};
use notifier_service::repositories::{
    LedgerRetention, NotificationLedger, OperatorLedger, SuppressedAddresses,
};

use crate::support::events::notification;
use crate::support::fakes::SteppedClock;
use crate::support::in_memory_ledger::InMemoryLedger;

const HOUR: Duration = Duration::from_secs(3600);

struct World {
    clock: Arc<SteppedClock>,
    ledger: Arc<InMemoryLedger>,
    inspect: InspectMails,
    resend: ResendMail,
    cancel: CancelMail,
    redrive: RedriveMails,
}

fn world() -> World {
    let clock = Arc::new(SteppedClock::default());
    let ledger = InMemoryLedger::new(clock.clone());
    let links = LinkLifetimes { confirm: 48 * HOUR, reset: HOUR };
    World {
        clock,
        inspect: InspectMails::new(ledger.clone(), ledger.clone()),
        resend: ResendMail::new(ledger.clone(), ledger.clone(), links),
        cancel: CancelMail::new(ledger.clone()),
        redrive: RedriveMails::new(ledger.clone(), links),
        ledger,
    }
}

/// The `number`th mail, each to a user of its own, of this moment and without a link.
fn mail(number: u128) -> Notification {
    Notification {
        occurred_at: Some(DateTime::UNIX_EPOCH),
        security_version: None,
        ..notification(number, number, &format!("user{number}@example.org"))
    }
}

fn reset(number: u128) -> Notification {
    Notification { kind: NotificationKind::ResetPassword, security_version: Some(1), ..mail(number) }
}

impl World {
    /// Records those mails, and gives all of them up.
    async fn give_up(&self, mails: &[Notification]) {
        self.ledger.record(mails).await.unwrap();
        for claimed in self.ledger.claim(1000, HOUR).await.unwrap() {
            self.ledger.mark_dead(&claimed.lease, &Answer::ours("550 no")).await.unwrap();
        }
    }

    async fn state(&self, id: NotificationId) -> MailState {
        self.ledger.entry(id).await.unwrap().unwrap().state
    }
}

fn request() -> RedriveRequest {
    RedriveRequest {
        filter: MailFilter {
            requeued_less_than: Some(RedriveMails::REQUEUED_LESS_THAN),
            ..MailFilter::default()
        },
        limit: 1000,
        per_second: NonZeroU32::new(10).unwrap(),
        is_dry_run: false,
    }
}

#[tokio::test]
async fn a_list_goes_on_where_it_ended_and_says_when_that_was_all() {
    let world = world();
    world.ledger.record(&(1..=5).map(mail).collect::<Vec<_>>()).await.unwrap();
    let all = MailFilter::default();
    let (mut seen, mut next) = (0, None);
    for expected in [2, 2, 1] {
        let page = world.inspect.list(&all, next, 2).await.unwrap();
        assert_eq!(page.entries.len(), expected);
        (seen, next) = (seen + expected, page.next);
    }
    assert_eq!((seen, next), (5, None));
    assert_eq!(world.inspect.list(&all, None, 5).await.unwrap().next, None);
    assert_eq!(world.inspect.list(&all, None, 0).await.unwrap().entries.len(), 1);
    assert_eq!(world.inspect.list(&all, None, u32::MAX).await.unwrap().entries.len(), 5);
}

#[tokio::test]
async fn one_mail_is_shown_with_what_was_tried() {
    let world = world();
    world.give_up(&[mail(1)]).await;
    let history = world.inspect.show(mail(1).id).await.unwrap();
    assert_eq!(history.entry.state, MailState::Dead);
    assert_eq!(history.attempts[0].words.as_deref(), Some("550 no"));
    assert!(
        matches!(world.inspect.show(mail(2).id).await, Err(OperatorError::NoSuchMail(id)) if id == mail(2).id)
    );
}

#[tokio::test]
async fn a_resent_mail_is_due_and_its_address_is_tried_again() {
    let world = world();
    world.give_up(&[mail(1)]).await;
    let address = Recipient::new("user1@example.org");
    world.ledger.suppress(&address, HOUR, mail(1).id).await.unwrap();
    let entry = world.resend.execute(mail(1).id).await.unwrap();
    assert_eq!((entry.state, entry.requeued), (MailState::Queued, 1));
    assert_eq!(world.ledger.find(&address).await.unwrap(), None);
    assert_eq!(world.ledger.claim(10, HOUR).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_resent_is_told_and_left() {
    let world = world();
    world.give_up(&[mail(1), reset(2)]).await;
    world.ledger.erase_finished(Duration::ZERO, 1).await.unwrap();
    world.ledger.record(&[mail(3)]).await.unwrap();
    world.clock.advance(HOUR);
    for (number, told) in [(1, "whom"), (2, "link"), (3, "already")] {
        let error = world.resend.execute(mail(number).id).await.unwrap_err();
        assert!(matches!(error, OperatorError::NotPossible(words) if words.contains(told)), "{error:?}");
    }
    assert_eq!(world.state(reset(2).id).await, MailState::Dead);
    assert!(matches!(world.resend.execute(mail(9).id).await, Err(OperatorError::NoSuchMail(_))));
    world.ledger.fail_next(1);
    assert!(matches!(world.resend.execute(mail(1).id).await, Err(OperatorError::Ledger(_))));
}

#[tokio::test]
async fn what_cannot_be_cancelled_is_told_and_left() {
    let world = world();
    world.give_up(&[mail(1)]).await;
    world.ledger.record(&[mail(2), mail(3)]).await.unwrap();
    world.ledger.claim(1, HOUR).await.unwrap();
    assert_eq!(world.cancel.execute(mail(3).id).await.unwrap().state, MailState::Cancelled);
    for (number, told) in [(1, "given up"), (2, "being sent"), (3, "cancelled")] {
        let error = world.cancel.execute(mail(number).id).await.unwrap_err();
        assert!(matches!(error, OperatorError::NotPossible(words) if words.contains(told)), "{error:?}");
    }
    assert!(matches!(world.cancel.execute(mail(9).id).await, Err(OperatorError::NoSuchMail(_))));
}

#[tokio::test]
async fn a_dry_run_tells_what_a_redrive_does_and_does_nothing() {
    let world = world();
    world.give_up(&[mail(1), reset(2), mail(3)]).await;
    world.ledger.record(&[mail(4)]).await.unwrap();
    world.clock.advance(HOUR);
    let would = world.redrive.execute(&RedriveRequest { is_dry_run: true, ..request() }).await.unwrap();
    assert_eq!((&would.requeued, would.link_expired), (&vec![mail(1).id, mail(3).id], 1));
    assert_eq!(world.state(mail(1).id).await, MailState::Dead);
    assert_eq!(world.redrive.execute(&request()).await.unwrap(), would);
    assert_eq!(world.state(mail(1).id).await, MailState::Queued);
    assert_eq!(world.state(reset(2).id).await, MailState::Dead);
}

#[tokio::test]
async fn a_redrive_does_no_more_and_no_faster_than_it_was_told() {
    let world = world();
    let mails: Vec<_> = (1..=450).map(mail).collect();
    world.give_up(&mails).await;
    let done = world.redrive.execute(&RedriveRequest { limit: 300, ..request() }).await.unwrap();
    assert_eq!(done.requeued, mails[..300].iter().map(|mail| mail.id).collect::<Vec<_>>());
    for due in [1, 10, 10, 10] {
        assert_eq!(world.ledger.claim(1000, HOUR).await.unwrap().len(), due);
        world.clock.advance(Duration::from_secs(1));
    }
    let rest = world.redrive.execute(&request()).await.unwrap();
    assert_eq!(rest.requeued.len(), 150);
}

#[tokio::test]
async fn a_redrive_takes_only_what_fits() {
    let world = world();
    world.give_up(&[mail(1), mail(2)]).await;
    let filter =
        MailFilter { user_id: Some(mail(2).user_id), state: Some(MailState::Sent), ..request().filter };
    let done = world.redrive.execute(&RedriveRequest { filter, ..request() }).await.unwrap();
    assert_eq!(done.requeued, [mail(2).id], "whatever state was asked for, only dead mails are redriven");
}

#[tokio::test]
async fn a_mail_that_dies_again_and_again_is_left_in_the_end() {
    let world = world();
    world.give_up(&[mail(1)]).await;
    for _ in 0..RedriveMails::REQUEUED_LESS_THAN {
        assert_eq!(world.redrive.execute(&request()).await.unwrap().requeued.len(), 1);
        world.give_up(&[]).await;
    }
    assert_eq!(world.redrive.execute(&request()).await.unwrap(), Redriven::default());
    // Unless somebody insists.
    let insists = RedriveRequest { filter: MailFilter::default(), ..request() };
    assert_eq!(world.redrive.execute(&insists).await.unwrap().requeued.len(), 1);
}
