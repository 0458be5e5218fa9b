use std::time::Duration;

/// When a mail that was put off is tried again: exponential backoff with jitter, up to a maximum age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrySchedule {
    /// The delay after the first attempt; doubles with each further one.
    pub first_delay: Duration,
    /// No delay is longer.
    pub max_delay: Duration,
    /// A mail that was put off for this long in all is given up when an attempt fails again.
    pub max_age: Duration,
}

impl RetrySchedule {
    /// The delay before the next attempt, or `None` when the mail is to be given up.
    ///
    /// * `attempts`: the attempts that failed so far, this one included, so at least 1.
    /// * `age`: the time that the mail was put off for, [`Claimed::age`](super::Claimed::age).
    /// * `jitter`: a random number from 0 to 1, which shortens the delay by up to half, so that mails
    ///   that failed together do not come back together.
    ///
    /// The last attempt falls on the maximum age rather than never happening.
    pub fn next_delay(&self, attempts: u32, age: Duration, jitter: f64) -> Option<Duration> {
        let left = self.max_age.checked_sub(age).filter(|left| !left.is_zero())?;
        let doublings = attempts.saturating_sub(1).min(31);
        let full = self.first_delay.saturating_mul(1 << doublings).min(self.max_delay);
        let shortened = full.mul_f64(1.0 - 0.5 * jitter.clamp(0.0, 1.0));
        Some(shortened.min(left))
    }
}

impl Default for RetrySchedule {
    /// 30 seconds, doubling to an hour, for three days: what mail servers are used to.
    fn default() -> Self {
        Self {
            first_delay: Duration::from_secs(30),
            max_delay: Duration::from_secs(60 * 60),
            max_age: Duration::from_secs(3 * 24 * 60 * 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: RetrySchedule = RetrySchedule {
        first_delay: Duration::from_secs(10),
        max_delay: Duration::from_secs(60),
        max_age: Duration::from_secs(1000),
    };

    fn seconds(attempts: u32, age: u64, jitter: f64) -> Option<f64> {
        SCHEDULE.next_delay(attempts, Duration::from_secs(age), jitter).map(|delay| delay.as_secs_f64())
    }

    #[test]
    fn delays_double_up_to_the_cap() {
        let delays: Vec<_> = (1..=5).map(|attempts| seconds(attempts, 0, 0.0).unwrap()).collect();
        assert_eq!(delays, [10.0, 20.0, 40.0, 60.0, 60.0]);
        assert_eq!(seconds(u32::MAX, 0, 0.0), Some(60.0));
    }

    #[test]
    fn jitter_shortens_a_delay_by_up_to_half() {
        assert_eq!(seconds(1, 0, 1.0), Some(5.0));
        assert_eq!(seconds(1, 0, 0.5), Some(7.5));
        assert_eq!(seconds(1, 0, 7.0), Some(5.0));
    }

    #[test]
    fn the_last_attempt_falls_on_the_maximum_age_and_then_it_is_given_up() {
        assert_eq!(seconds(4, 990, 0.0), Some(10.0));
        assert_eq!(seconds(4, 1000, 0.0), None);
        assert_eq!(seconds(4, 5000, 0.0), None);
    }
}
