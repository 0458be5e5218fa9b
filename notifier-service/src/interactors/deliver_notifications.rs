use std::sync::Arc;

use futures_util::FutureExt;
use thiserror::Error;

use super::courier::{Claim, Courier};
use super::{Outage, Round};
use crate::entities::{Admission, DeliveryPolicy};
use crate::repositories::{
    Jitter, LedgerError, MailRenderer, Mailer, MonotonicClock, NotificationLedger, SendRate,
    SuppressedAddresses,
};

/// Sends what is due: claims, renders, sends, records the outcome. All workers of a process share one, and with
/// it what it knows of the mail server.
pub struct DeliverNotifications {
    courier: Arc<Courier>,
}

/// What delivery needs from the world.
pub struct DeliveryPorts {
    /// What is due, and where the outcome is recorded.
    pub ledger: Arc<dyn NotificationLedger>,
    /// Where no mail is to be tried.
    pub suppressed: Arc<dyn SuppressedAddresses>,
    /// Writes the mails.
    pub renderer: Arc<dyn MailRenderer>,
    /// Sends them.
    pub mailer: Arc<dyn Mailer>,
    /// How many a second.
    pub rate: Arc<dyn SendRate>,
    /// Keeps retries apart.
    pub jitter: Arc<dyn Jitter>,
    /// Measures leases.
    pub clock: Arc<dyn MonotonicClock>,
}

/// Nothing could be claimed.
#[derive(Debug, Error)]
#[error("no notification could be claimed")]
pub struct DeliverError(#[source] LedgerError);

impl DeliverNotifications {
    /// Delivers by that policy.
    pub fn new(ports: DeliveryPorts, policy: DeliveryPolicy) -> Self {
        Self { courier: Arc::new(Courier::new(ports, policy)) }
    }

    /// Claims up to `max` of what is due; nothing while the mail server cannot be had, but for one mail now and
    /// then to find out. The caller need not wait for the slowest delivery before it claims again.
    ///
    /// Dropping a delivery leaves its row claimed until the lease ends, and may send a mail a second time then.
    ///
    /// # Errors
    ///
    /// [`DeliverError`] when nothing could be claimed. What goes wrong later is in the
    /// [`Delivery`](super::Delivery).
    pub async fn execute(&self, max: u32) -> Result<Round, DeliverError> {
        let nothing = |pause| Ok(Round { deliveries: Vec::new(), pause });
        if max == 0 {
            return nothing(None);
        }
        let (max, is_probe) = match self.courier.admit() {
            Admission::Freely => (max, false),
            Admission::Probe => (1, true),
            Admission::NotFor(time) => return nothing(Some(time)),
        };
        let claim = Claim { began: self.courier.now(), is_probe };
        let claimed = self.courier.claim(max).await;
        if is_probe && !claimed.as_ref().is_ok_and(|claimed| !claimed.is_empty()) {
            self.courier.probe_was_not_tried();
        }
        let delivery = |claimed| {
            let courier = self.courier.clone();
            async move { courier.deliver(claimed, claim).await }.boxed()
        };
        let claimed = claimed.map_err(DeliverError)?;
        Ok(Round { deliveries: claimed.into_iter().map(delivery).collect(), pause: None })
    }

    /// For how long no mail server has been to be had, as far as the last mail showed; `None` while mail is sent.
    pub fn outage(&self) -> Option<Outage> {
        self.courier.outage()
    }

    /// For the end of the process: mails that wait for their turn are put back, for others to send at once.
    pub fn stop_waiting(&self) {
        self.courier.stop_waiting();
    }
}
