use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use shared_kernel::in_words;
use thiserror::Error;

use super::{Delivery, Ending};
use crate::entities::{Claimed, DeliveryPolicy, Lease, mask_in};
use crate::repositories::{
    Jitter, LedgerError, MailRenderer, Mailer, MailerError, MonotonicClock, NotificationLedger,
};

/// The first pause before an outcome is recorded again that the ledger did not take; doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// No such pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Sends what is due: claims, renders, sends, records the outcome.
pub struct DeliverNotifications {
    courier: Arc<Courier>,
}

/// What each delivery shares with the others.
struct Courier {
    ports: DeliveryPorts,
    policy: DeliveryPolicy,
}

/// What delivery needs from the world.
pub struct DeliveryPorts {
    /// What is due, and where the outcome is recorded.
    pub ledger: Arc<dyn NotificationLedger>,
    /// Writes the mails.
    pub renderer: Arc<dyn MailRenderer>,
    /// Sends them.
    pub mailer: Arc<dyn Mailer>,
    /// Keeps retries apart.
    pub jitter: Arc<dyn Jitter>,
    /// Measures leases.
    pub clock: Arc<dyn MonotonicClock>,
}

/// Nothing could be claimed.
#[derive(Debug, Error)]
#[error("no notification could be claimed")]
pub struct DeliverError(#[source] LedgerError);

/// One claim: when it began, and whether the server turned out to be unavailable meanwhile.
struct Step {
    began: Duration,
    server_unavailable: AtomicBool,
}

impl DeliverNotifications {
    /// Delivers by that policy.
    pub fn new(ports: DeliveryPorts, policy: DeliveryPolicy) -> Self {
        Self { courier: Arc::new(Courier { ports, policy }) }
    }

    /// Claims up to `max` of what is due, and returns one delivery for each: to be run at once and side by
    /// side, since their leases run, by a caller that need not wait for the slowest before it claims again. No
    /// two of them have the same user and recipient.
    ///
    /// Dropping a delivery leaves its row claimed until the lease ends, and may send a mail a second time then.
    ///
    /// # Errors
    ///
    /// [`DeliverError`] when nothing could be claimed. What goes wrong later is in the [`Delivery`].
    pub async fn execute(&self, max: u32) -> Result<Vec<BoxFuture<'static, Delivery>>, DeliverError> {
        let Courier { ports, policy } = &*self.courier;
        // From before the claim, so that our idea of the lease ends before the ledger's does.
        let step = Step { began: ports.clock.now(), server_unavailable: AtomicBool::new(false) };
        let claimed = ports.ledger.claim(max, policy.lease).await.map_err(DeliverError)?;
        let step = Arc::new(step);
        let delivery = |claimed| {
            let (courier, step) = (self.courier.clone(), step.clone());
            async move { courier.deliver(claimed, &step).await }.boxed()
        };
        Ok(claimed.into_iter().map(delivery).collect())
    }
}

impl Courier {
    async fn deliver(&self, claimed: Claimed, step: &Step) -> Delivery {
        let ending = self.attempt(&claimed, step).await;
        let not_recorded = self.record(&claimed, &ending, step).await.err();
        let Claimed { notification, .. } = claimed;
        Delivery {
            id: notification.id,
            kind: notification.kind,
            user_id: notification.user_id,
            recipient: notification.recipient.masked(),
            traceparent: notification.traceparent,
            ending: masked(ending, notification.recipient.as_str()),
            not_recorded,
        }
    }

    /// Tries to send, and says how it ended, with the server's words as they are.
    async fn attempt(&self, claimed: &Claimed, step: &Step) -> Ending {
        if self.policy.link_has_expired(claimed) {
            return Ending::Dead { words: "its link expired before it could be sent".to_owned() };
        }
        let mail = match self.ports.renderer.render(&claimed.notification) {
            Ok(mail) => mail,
            Err(error) => return Ending::Dead { words: in_words(&error) },
        };
        let since_claim = self.ports.clock.now().saturating_sub(step.began);
        if step.server_unavailable.load(Ordering::Relaxed) || !self.policy.may_send(since_claim) {
            return Ending::Released;
        }
        match self.ports.mailer.send(&mail).await {
            Ok(()) => Ending::Sent,
            Err(MailerError::RecipientOrMessageRefused(words)) => Ending::Dead { words },
            Err(MailerError::RecipientOrMessageDeferred(words)) => self.put_off(claimed, words),
            Err(MailerError::ServerUnavailable(words)) => {
                step.server_unavailable.store(true, Ordering::Relaxed);
                Ending::ServerUnavailable { words }
            }
        }
    }

    fn put_off(&self, claimed: &Claimed, words: String) -> Ending {
        let attempts = claimed.attempts.saturating_add(1);
        match self.policy.retry.next_delay(attempts, claimed.age, self.ports.jitter.next()) {
            Some(after) => Ending::PutOff { after, words },
            None => Ending::Dead { words: format!("given up after {attempts} attempts: {words}") },
        }
    }

    /// Records the outcome. While the ledger is away it keeps trying for the time of the lease, since a
    /// sent mail that is not recorded is sent again.
    async fn record(&self, claimed: &Claimed, ending: &Ending, step: &Step) -> Result<(), LedgerError> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.record_once(&claimed.lease, ending).await {
                Err(error) if error.is_retryable() && self.holds_lease(step) => {
                    self.ports.clock.sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                done => return done,
            }
        }
    }

    async fn record_once(&self, lease: &Lease, ending: &Ending) -> Result<(), LedgerError> {
        let ledger = &self.ports.ledger;
        match ending {
            Ending::Sent => ledger.mark_sent(lease).await,
            Ending::Dead { words } => ledger.mark_dead(lease, words).await,
            Ending::PutOff { after, words } => ledger.retry_later(lease, *after, words, true).await,
            // Due at once: how long to leave the server alone is the caller's decision, not this row's.
            Ending::ServerUnavailable { words } => {
                ledger.retry_later(lease, Duration::ZERO, words, false).await
            }
            Ending::Released => ledger.release(lease).await,
        }
    }

    fn holds_lease(&self, step: &Step) -> bool {
        self.ports.clock.now().saturating_sub(step.began) < self.policy.lease
    }
}

/// The same ending with the address masked in the server's words, fit for a log.
fn masked(ending: Ending, address: &str) -> Ending {
    match ending {
        Ending::PutOff { after, words } => Ending::PutOff { after, words: mask_in(&words, address) },
        Ending::Dead { words } => Ending::Dead { words: mask_in(&words, address) },
        Ending::ServerUnavailable { words } => Ending::ServerUnavailable { words: mask_in(&words, address) },
        Ending::Sent | Ending::Released => ending,
    }
}
