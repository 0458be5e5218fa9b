use std::time::Duration;

/// Leaves a mail server alone that cannot be had, and tries it with one mail at a time until it can.
///
/// One failure opens it: whatever the server says before RCPT it would say to every mail. Then only the
/// probe's outcome counts; those of mails that were under way when it opened tell of the time before.
///
/// Times are those of one monotonic clock.
#[derive(Debug)]
pub struct CircuitBreaker {
    pace: BreakerPace,
    state: State,
}

/// How long an open breaker waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerPace {
    /// Before the first probe; doubles with each that fails.
    pub first_pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
    /// A probe of which nothing was heard for that long is taken for lost, and another one is let through.
    pub probe_limit: Duration,
}

impl Default for BreakerPace {
    /// From half a second to half a minute, and five minutes for a probe.
    fn default() -> Self {
        Self {
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            probe_limit: Duration::from_secs(300),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    /// Nothing is claimed before `until`; then one probe is.
    Open {
        since: Duration,
        until: Duration,
        pause: Duration,
    },
    /// A probe is under way.
    HalfOpen {
        since: Duration,
        until: Duration,
        pause: Duration,
    },
}

/// What may be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Anything.
    Freely,
    /// One mail, to find out whether the server is back. Whoever got this tells what became of it.
    Probe,
    /// Nothing for that long.
    NotFor(Duration),
}

/// What is worth telling an operator, once each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerChange {
    /// The server cannot be had, and sending pauses.
    Opened,
    /// The server took up its work again after that time.
    Closed(Duration),
}

impl CircuitBreaker {
    /// A closed one.
    pub fn new(pace: BreakerPace) -> Self {
        Self { pace, state: State::Closed }
    }

    /// Whether to claim. Asking when a probe is due takes the probe.
    pub fn admit(&mut self, now: Duration) -> Admission {
        match self.state {
            State::Closed => Admission::Freely,
            State::Open { until, .. } | State::HalfOpen { until, .. } if now < until => {
                Admission::NotFor(until - now)
            }
            State::Open { since, pause, .. } | State::HalfOpen { since, pause, .. } => {
                self.state = State::HalfOpen { since, until: now + self.pace.probe_limit, pause };
                Admission::Probe
            }
        }
    }

    /// Whether mail may be sent that was claimed freely.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// For how long no server has been to be had; `None` while mail is sent.
    pub fn open_for(&self, now: Duration) -> Option<Duration> {
        match self.state {
            State::Closed => None,
            State::Open { since, .. } | State::HalfOpen { since, .. } => Some(now.saturating_sub(since)),
        }
    }

    /// The probe could not be tried, for want of a mail for instance: the next one may be at once.
    pub fn probe_was_not_tried(&mut self, now: Duration) {
        if let State::HalfOpen { since, pause, .. } = self.state {
            self.state = State::Open { since, until: now, pause };
        }
    }

    /// The server answered about a mail.
    pub fn server_answered(&mut self, now: Duration, is_probe: bool) -> Option<BreakerChange> {
        let State::HalfOpen { since, .. } = self.state else { return None };
        if !is_probe {
            return None;
        }
        self.state = State::Closed;
        Some(BreakerChange::Closed(now.saturating_sub(since)))
    }

    /// The server could not be had.
    pub fn server_unavailable(&mut self, now: Duration, is_probe: bool) -> Option<BreakerChange> {
        match self.state {
            State::Closed => {
                let pause = self.pace.first_pause;
                self.state = State::Open { since: now, until: now + pause, pause };
                Some(BreakerChange::Opened)
            }
            State::HalfOpen { since, pause, .. } if is_probe => {
                let pause = (pause * 2).min(self.pace.longest_pause);
                self.state = State::Open { since, until: now + pause, pause };
                None
            }
            State::Open { .. } | State::HalfOpen { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> CircuitBreaker {
        CircuitBreaker::new(BreakerPace {
            first_pause: seconds(1),
            longest_pause: seconds(4),
            probe_limit: seconds(60),
        })
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn one_failure_opens_it_and_is_told_once() {
        let mut breaker = breaker();
        assert_eq!(breaker.admit(seconds(0)), Admission::Freely);
        assert_eq!(breaker.server_unavailable(seconds(10), false), Some(BreakerChange::Opened));
        assert_eq!(breaker.server_unavailable(seconds(10), false), None);
        assert_eq!(breaker.admit(seconds(10)), Admission::NotFor(seconds(1)));
        assert!(!breaker.is_closed());
    }

    #[test]
    fn probes_come_one_at_a_time_with_longer_and_longer_pauses() {
        let mut breaker = breaker();
        breaker.server_unavailable(seconds(0), false);
        let mut now = seconds(0);
        for pause in [1, 2, 4, 4] {
            assert_eq!(breaker.admit(now), Admission::NotFor(seconds(pause)));
            now += seconds(pause);
            assert_eq!(breaker.admit(now), Admission::Probe);
            assert_eq!(breaker.admit(now), Admission::NotFor(seconds(60)));
            assert_eq!(breaker.server_unavailable(now, true), None);
        }
        now += seconds(4);
        assert_eq!(breaker.admit(now), Admission::Probe);
        assert_eq!(breaker.server_answered(now, true), Some(BreakerChange::Closed(seconds(15))));
        assert_eq!(breaker.admit(now), Admission::Freely);
    }

    #[test]
    fn only_the_probe_tells_of_an_open_breakers_server() {
        let mut breaker = breaker();
        breaker.server_unavailable(seconds(0), false);
        assert_eq!(breaker.server_answered(seconds(0), false), None);
        assert!(!breaker.is_closed());
        assert_eq!(breaker.admit(seconds(1)), Admission::Probe);
        assert_eq!(breaker.server_unavailable(seconds(1), false), None);
        assert_eq!(breaker.server_answered(seconds(1), false), None);
        assert_eq!(breaker.server_answered(seconds(1), true), Some(BreakerChange::Closed(seconds(1))));
        assert_eq!(breaker.server_answered(seconds(2), true), None);
    }

    #[test]
    fn a_probe_that_was_not_tried_or_is_lost_gives_way_to_another() {
        let mut breaker = breaker();
        breaker.server_unavailable(seconds(0), false);
        assert_eq!(breaker.admit(seconds(1)), Admission::Probe);
        breaker.probe_was_not_tried(seconds(1));
        assert_eq!(breaker.admit(seconds(1)), Admission::Probe);
        assert_eq!(breaker.admit(seconds(60)), Admission::NotFor(seconds(1)));
        assert_eq!(breaker.admit(seconds(61)), Admission::Probe);
    }
}
