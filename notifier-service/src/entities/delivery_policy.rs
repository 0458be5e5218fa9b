use std::time::Duration;

use super::{Claimed, LinkLifetimes, RetrySchedule};

/// How mail is claimed and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryPolicy {
    /// How long a claim is ours. Longer than `send_margin`.
    pub lease: Duration,
    /// A mail is only sent while at least this much of its lease is left: the longest that one send
    /// can take, and time to record the outcome.
    pub send_margin: Duration,
    /// When a mail that was put off is tried again.
    pub retry: RetrySchedule,
    /// How long links count.
    pub links: LinkLifetimes,
}

impl DeliveryPolicy {
    /// Whether a send may start that long after the claim began.
    pub fn may_send(&self, since_claim: Duration) -> bool {
        since_claim.saturating_add(self.send_margin) <= self.lease
    }

    /// Whether the mail's link counts no more, so that the mail would only mislead. By the ledger's clock;
    /// lifetimes are long beside what clocks differ by.
    pub fn link_has_expired(&self, claimed: &Claimed) -> bool {
        let purpose = claimed.notification.link_purpose();
        purpose.zip(claimed.since_event).is_some_and(|(purpose, since)| since >= self.links.of(purpose))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_must_fit_into_what_is_left_of_the_lease() {
        let policy = DeliveryPolicy {
            lease: Duration::from_secs(60),
            send_margin: Duration::from_secs(40),
            retry: RetrySchedule::default(),
            links: LinkLifetimes::default(),
        };
        assert!(policy.may_send(Duration::from_secs(20)));
        assert!(!policy.may_send(Duration::from_millis(20_001)));
        assert!(!policy.may_send(Duration::MAX));
    }
}
