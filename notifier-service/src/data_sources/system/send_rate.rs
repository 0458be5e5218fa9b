use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::repositories::SendRate;

/// A rate for all workers of this process, kept to evenly: what may go out at once is a tenth of a second's.
pub struct GovernorSendRate<C: Clock = DefaultClock> {
    limiter: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    clock: C,
}

impl GovernorSendRate {
    /// That many mails a second.
    pub fn per_second(mails: NonZeroU32) -> Self {
        Self::by_clock(mails, DefaultClock::default())
    }
}

impl<C: Clock + Clone> GovernorSendRate<C> {
    fn by_clock(mails: NonZeroU32, clock: C) -> Self {
        let at_once = NonZeroU32::new(mails.get() / 10).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(mails).allow_burst(at_once);
        Self { limiter: RateLimiter::direct_with_clock(quota, clock.clone()), clock }
    }
}

impl<C: Clock + Send + Sync> SendRate for GovernorSendRate<C>
where
    C::Instant: Send + Sync,
{
    fn take(&self) -> Result<(), Duration> {
        self.limiter.check().map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }
}

/// No limit.
pub struct UnlimitedSendRate;

impl SendRate for UnlimitedSendRate {
    fn take(&self) -> Result<(), Duration> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn a_rate_is_kept_to_evenly() {
        let clock = FakeRelativeClock::default();
        let rate = GovernorSendRate::by_clock(NonZeroU32::new(20).unwrap(), clock.clone());
        assert_eq!([rate.take(), rate.take()], [Ok(()), Ok(())]);
        for _ in 0..100 {
            let wait = rate.take().unwrap_err();
            assert_eq!(wait, Duration::from_millis(50));
            clock.advance(wait);
            assert_eq!(rate.take(), Ok(()));
        }
    }
}
