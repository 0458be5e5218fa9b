use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared_kernel::in_words;

use super::{Delivery, DeliveryPorts, Ending, Outage};
use crate::entities::{
    Admission, Answer, BreakerChange, CircuitBreaker, Claimed, DeliveryPolicy, DialogueStage, Recipient,
    mask_in,
};
use crate::repositories::{LedgerError, MailerError};

/// The first pause before an outcome is recorded again that the ledger did not take; doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// No such pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Delivers what was claimed. What each delivery shares with the others.
pub(super) struct Courier {
    ports: DeliveryPorts,
    policy: DeliveryPolicy,
    breaker: Mutex<CircuitBreaker>,
    /// What was said when no server was to be had, the last time.
    refusal: Mutex<Option<Answer>>,
    is_stopping: AtomicBool,
}

/// How a mail came to be claimed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    /// From before the claim, so that our idea of the lease ends before the ledger's does.
    pub(super) began: Duration,
    /// Whether it is to show whether the mail server is back.
    pub(super) is_probe: bool,
}

/// An ending, and what it says of the address.
struct Outcome {
    ending: Ending,
    address: AddressNews,
}

/// What an attempt says of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AddressNews {
    Nothing,
    /// No mail would reach it.
    RefusedForGood,
    /// It was suppressed, and takes mail nevertheless.
    TakesMailAgain,
}

impl From<Ending> for Outcome {
    fn from(ending: Ending) -> Self {
        Self { ending, address: AddressNews::Nothing }
    }
}

impl Courier {
    pub(super) fn new(ports: DeliveryPorts, policy: DeliveryPolicy) -> Self {
        let breaker = Mutex::new(CircuitBreaker::new(policy.breaker));
        Self { ports, policy, breaker, refusal: Mutex::default(), is_stopping: AtomicBool::new(false) }
    }

    pub(super) fn now(&self) -> Duration {
        self.ports.clock.now()
    }

    pub(super) fn admit(&self) -> Admission {
        self.breaker().admit(self.now())
    }

    /// For how long no mail server has been to be had, and what was said the last time.
    pub(super) fn outage(&self) -> Option<Outage> {
        let open_for = self.breaker().open_for(self.now())?;
        let answer = self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Some(Outage { lasts: open_for, answer })
    }

    pub(super) fn stop_waiting(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    pub(super) fn probe_was_not_tried(&self) {
        self.breaker().probe_was_not_tried(self.now());
    }

    pub(super) async fn claim(&self, max: u32) -> Result<Vec<Claimed>, LedgerError> {
        self.ports.ledger.claim(max, self.policy.lease).await
    }

    /// Tries to deliver, and records how it ended.
    pub(super) async fn deliver(&self, claimed: Claimed, claim: Claim) -> Delivery {
        let outcome = self.attempt(&claimed, claim).await;
        let since_claim = self.now().saturating_sub(claim.began);
        let since_event = claimed.since_event.map(|until_claim| until_claim + since_claim);
        // Before the ledger's turn, which may take long: nobody should claim for a server that is not there.
        let breaker = self.tell_breaker(&outcome.ending, claim);
        let not_recorded = self.record(&claimed, &outcome, claim).await.err();
        let (ending, not_recorded) = match (outcome.ending, not_recorded) {
            // There was nothing to be recorded but that the row is free, which it is.
            (Ending::Released, Some(LedgerError::LeaseLost(_))) => (Ending::LeaseLost, None),
            other => other,
        };
        let Claimed { notification, attempts, .. } = claimed;
        Delivery {
            since_event,
            id: notification.id,
            kind: notification.kind,
            user_id: notification.user_id,
            recipient: notification.recipient.masked(),
            traceparent: notification.traceparent,
            attempt: attempts.saturating_add(1),
            ending: masked(ending, notification.recipient.as_str()),
            not_recorded,
            breaker,
        }
    }

    /// Tries to send, and says how it ended, with the server's words as they are.
    async fn attempt(&self, claimed: &Claimed, claim: Claim) -> Outcome {
        if self.policy.link_has_expired(claimed) {
            return Ending::Dead(Answer::ours("its link expired before it could be sent")).into();
        }
        let address = &claimed.notification.recipient;
        let Ok(suppressed) = self.ports.suppressed.find(address).await else {
            return Ending::Released.into();
        };
        if let Some(refused) = suppressed
            && !claimed.notification.kind.is_security_alert()
        {
            let words = format!("not tried: the address was refused for good, mail {refused} tells how");
            return Ending::Dead(Answer::ours(words)).into();
        }
        let mail = match self.ports.renderer.render(&claimed.notification) {
            Ok(mail) => mail,
            Err(error) => return Ending::Dead(Answer::ours(in_words(&error))).into(),
        };
        let deadline = match self.permission(claimed, claim).await {
            Ok(deadline) => deadline,
            Err(ending) => return ending.into(),
        };
        match self.ports.mailer.send(&mail, deadline).await {
            Ok(answer) if suppressed.is_some() => {
                Outcome { ending: Ending::Sent(answer), address: AddressNews::TakesMailAgain }
            }
            Ok(answer) => Ending::Sent(answer).into(),
            Err(MailerError::AddressRefused(answer)) => {
                Outcome { ending: Ending::Dead(answer), address: AddressNews::RefusedForGood }
            }
            Err(MailerError::Refused(answer)) => Ending::Dead(answer).into(),
            Err(MailerError::Deferred(answer)) => self.put_off(claimed, answer).into(),
            Err(MailerError::ServerUnavailable(answer)) => Ending::ServerUnavailable(answer).into(),
            Err(MailerError::OutOfTime) => Ending::Released.into(),
        }
    }

    /// Until when the mail may be sent. The ledger is asked for the lease last of all: between its answer and the
    /// send there is nothing that takes time.
    async fn permission(&self, claimed: &Claimed, claim: Claim) -> Result<Duration, Ending> {
        self.take_turn(claim).await?;
        if !claim.is_probe && !self.breaker().is_closed() {
            return Err(Ending::Released);
        }
        let asked = self.now();
        match self.ports.ledger.time_left(&claimed.lease).await {
            Ok(left) => match self.policy.time_to_send(left) {
                Some(time) => Ok(asked + time),
                None => Err(Ending::Released),
            },
            Err(LedgerError::LeaseLost(_)) => Err(Ending::LeaseLost),
            Err(_) => Err(Ending::Released),
        }
    }

    /// Waits until the send rate allows for one more mail, if that can be while the lease runs.
    async fn take_turn(&self, claim: Claim) -> Result<(), Ending> {
        while let Err(wait) = self.ports.rate.take() {
            let held = self.now().saturating_sub(claim.began) + wait;
            let comes_too_late = self.policy.time_to_send(self.policy.lease.saturating_sub(held)).is_none();
            if comes_too_late || self.is_stopping.load(Ordering::Relaxed) {
                return Err(Ending::Released);
            }
            self.ports.clock.sleep(wait).await;
        }
        Ok(())
    }

    fn put_off(&self, claimed: &Claimed, answer: Answer) -> Ending {
        let attempts = claimed.attempts.saturating_add(1);
        match self.policy.retry.next_delay(attempts, claimed.age, self.ports.jitter.next()) {
            Some(after) => Ending::PutOff { after, answer },
            None => {
                let words = format!("given up after {attempts} attempts: {}", answer.words);
                Ending::Dead(Answer { words, ..answer })
            }
        }
    }

    /// What the breaker learns from an ending.
    fn tell_breaker(&self, ending: &Ending, claim: Claim) -> Option<BreakerChange> {
        let now = self.now();
        let answer = match ending {
            Ending::ServerUnavailable(answer) => {
                *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer.clone());
                return self.breaker().server_unavailable(now, claim.is_probe);
            }
            Ending::Sent(answer) | Ending::PutOff { answer, .. } | Ending::Dead(answer) => Some(answer),
            Ending::Released | Ending::LeaseLost => None,
        };
        let stage = answer.and_then(|answer| answer.stage);
        if stage.is_some_and(DialogueStage::is_about_the_mail) {
            return self.breaker().server_answered(now, claim.is_probe);
        }
        if claim.is_probe {
            self.breaker().probe_was_not_tried(now);
        }
        None
    }

    /// Records the outcome. While the ledger is away it keeps trying for the time of the lease, since a
    /// sent mail that is not recorded is sent again.
    async fn record(&self, claimed: &Claimed, outcome: &Outcome, claim: Claim) -> Result<(), LedgerError> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.record_once(claimed, outcome).await {
                Err(error) if error.is_retryable() && self.holds_lease(claim) => {
                    self.ports.clock.sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                done => return done,
            }
        }
    }

    async fn record_once(&self, claimed: &Claimed, outcome: &Outcome) -> Result<(), LedgerError> {
        let (ledger, lease) = (&self.ports.ledger, &claimed.lease);
        // First, since the row is gone from the queue afterwards; and true whoever holds the lease by now.
        self.record_address(&claimed.notification.recipient, claimed, outcome.address).await?;
        match &outcome.ending {
            Ending::Sent(answer) => ledger.mark_sent(lease, answer).await,
            Ending::Dead(answer) => ledger.mark_dead(lease, answer).await,
            Ending::PutOff { after, answer } => ledger.put_off(lease, *after, answer).await,
            Ending::ServerUnavailable(answer) => ledger.mark_unavailable(lease, answer).await,
            Ending::Released => ledger.release(lease).await,
            Ending::LeaseLost => Ok(()),
        }
    }

    async fn record_address(
        &self,
        address: &Recipient,
        claimed: &Claimed,
        news: AddressNews,
    ) -> Result<(), LedgerError> {
        let suppressed = &self.ports.suppressed;
        match news {
            AddressNews::RefusedForGood if !self.policy.suppress_for.is_zero() => {
                suppressed.suppress(address, self.policy.suppress_for, claimed.notification.id).await
            }
            AddressNews::TakesMailAgain => suppressed.lift(address).await,
            AddressNews::RefusedForGood | AddressNews::Nothing => Ok(()),
        }
    }

    fn holds_lease(&self, claim: Claim) -> bool {
        self.now().saturating_sub(claim.began) < self.policy.lease
    }

    fn breaker(&self) -> MutexGuard<'_, CircuitBreaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same ending with the address masked in the server's words, fit for a log.
fn masked(ending: Ending, address: &str) -> Ending {
    let mask = |answer: Answer| Answer { words: mask_in(&answer.words, address), ..answer };
    match ending {
        Ending::Sent(answer) => Ending::Sent(mask(answer)),
        Ending::PutOff { after, answer } => Ending::PutOff { after, answer: mask(answer) },
        Ending::Dead(answer) => Ending::Dead(mask(answer)),
        Ending::ServerUnavailable(answer) => Ending::ServerUnavailable(mask(answer)),
        Ending::Released | Ending::LeaseLost => ending,
    }
}
