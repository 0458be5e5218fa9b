use std::time::Duration;

use super::{BreakerPace, Claimed, LinkLifetimes, RetrySchedule};

/// How mail is claimed and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryPolicy {
    /// How long a claim is ours. Longer than `send_limit` and `record_limit` together.
    pub lease: Duration,
    /// The longest that one send can take.
    pub send_limit: Duration,
    /// What is kept of a lease for recording the outcome.
    pub record_limit: Duration,
    /// When a mail that was put off is tried again.
    pub retry: RetrySchedule,
    /// How long a server that cannot be had is left alone.
    pub breaker: BreakerPace,
    /// How long an address that was refused for good gets no mail; zero for not at all.
    pub suppress_for: Duration,
    /// How long links count.
    pub links: LinkLifetimes,
}

impl DeliveryPolicy {
    /// The time that is left for a send of what is left of the lease; `None` when it is too little.
    pub fn time_to_send(&self, left_of_lease: Duration) -> Option<Duration> {
        left_of_lease.checked_sub(self.record_limit).filter(|time| *time >= self.send_limit)
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
            send_limit: Duration::from_secs(30),
            record_limit: Duration::from_secs(10),
            retry: RetrySchedule::default(),
            breaker: BreakerPace::default(),
            suppress_for: Duration::ZERO,
            links: LinkLifetimes::default(),
        };
        assert_eq!(policy.time_to_send(Duration::from_secs(60)), Some(Duration::from_secs(50)));
        assert_eq!(policy.time_to_send(Duration::from_secs(40)), Some(Duration::from_secs(30)));
        assert_eq!(policy.time_to_send(Duration::from_millis(39_999)), None);
        assert_eq!(policy.time_to_send(Duration::ZERO), None);
    }
}
