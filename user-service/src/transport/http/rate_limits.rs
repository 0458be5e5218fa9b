//! How often one client, or one account, may be asked for. Counted in this process alone.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::problem::{Problem, ProblemType};

/// How many calls a minute are let pass where passwords could be guessed or mail be sent. 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSettings {
    /// From one client's address; from one network of 64 bits when it is IPv6.
    pub per_address_per_minute: u32,
    /// About one account: tries of its password from one client, and mails to it. Ten times as many tries from all
    /// clients together, so that a stranger does not lock the owner out so easily, and six times as many changes by
    /// its owner, each of which sends a mail too.
    pub per_account_per_minute: u32,
}

const TRIES_FROM_ALL_CLIENTS: u32 = 10;
const CHANGES: u32 = 6;

impl Default for RateSettings {
    fn default() -> Self {
        Self { per_address_per_minute: 60, per_account_per_minute: 10 }
    }
}

/// The counts of the last minute.
pub(super) struct RateLimits<C: Clock = DefaultClock> {
    addresses: Option<Limit<C>>,
    tries: Option<Limit<C>>,
    tries_from_all: Option<Limit<C>>,
    mails: Option<Limit<C>>,
    changes: Option<Limit<C>>,
}

impl RateLimits {
    pub(super) fn new(settings: RateSettings) -> Self {
        Self::with_clock(settings, &DefaultClock::default())
    }
}

impl<C: Clock + Clone> RateLimits<C> {
    fn with_clock(settings: RateSettings, clock: &C) -> Self {
        let limit = |per_minute| NonZeroU32::new(per_minute).map(|most| Limit::new(most, clock.clone()));
        let per_account = settings.per_account_per_minute;
        Self {
            addresses: limit(settings.per_address_per_minute),
            tries: limit(per_account),
            tries_from_all: limit(per_account.saturating_mul(TRIES_FROM_ALL_CLIENTS)),
            mails: limit(per_account),
            changes: limit(per_account.saturating_mul(CHANGES)),
        }
    }

    /// Counts a call from that address, or refuses it.
    pub(super) fn check_address(&self, address: IpAddr) -> Result<(), Problem> {
        check(self.addresses.as_ref(), site(address))
    }

    /// Counts a try of an account's password, or refuses it: also when there is no such account, so that a refusal
    /// does not tell.
    pub(super) fn check_try(&self, client: IpAddr, account: &str) -> Result<(), Problem> {
        check(self.tries.as_ref(), (site(client), account))?;
        check(self.tries_from_all.as_ref(), account)
    }

    /// Counts a call that sends a mail to that address or account, or refuses it: also when nobody has the address.
    pub(super) fn check_mail(&self, to: &str) -> Result<(), Problem> {
        check(self.mails.as_ref(), to)
    }

    /// Counts a change of that account by its owner, or refuses it.
    pub(super) fn check_change(&self, account: &str) -> Result<(), Problem> {
        check(self.changes.as_ref(), account)
    }
}

fn check<C: Clock>(limit: Option<&Limit<C>>, key: impl Hash) -> Result<(), Problem> {
    limit.map_or(Ok(()), |limit| limit.check(key)).map_err(|TooSoon { seconds }| {
        let unit = if seconds == 1 { "second" } else { "seconds" };
        let detail = format!("try again in {seconds} {unit}");
        Problem::new(ProblemType::TooManyRequests, detail).retry_after(seconds)
    })
}

/// One customer of an IPv6 provider has at least a network of 64 bits and may use any address in it.
fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}

/// A bucket for each key. Keys share [`BUCKETS`](Self::BUCKETS) by a hash that nobody can predict, which bounds
/// the memory to some 5 MB a limit without anything to clear away: a bucket that was not used for a minute is as good as
/// new. Two keys that share one are rare, and share its limit. The keys themselves are not kept.
struct Limit<C: Clock> {
    buckets: RateLimiter<u32, HashMapStateStore<u32>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    hasher: RandomState,
}

struct TooSoon {
    /// Until the next call can pass, rounded up.
    seconds: u64,
}

impl<C: Clock + Clone> Limit<C> {
    fn new(per_minute: NonZeroU32, clock: C) -> Self {
        let buckets = RateLimiter::hashmap_with_clock(Quota::per_minute(per_minute), clock.clone());
        Self { buckets, clock, hasher: RandomState::new() }
    }
}

impl<C: Clock> Limit<C> {
    const BUCKETS: u64 = 1 << 18;

    fn check(&self, key: impl Hash) -> Result<(), TooSoon> {
        let bucket = u32::try_from(self.hasher.hash_one(key) % Self::BUCKETS).expect("18 bits fit in 32");
        self.buckets.check_key(&bucket).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            let started = u64::from(wait.subsec_nanos() > 0);
            TooSoon { seconds: (wait.as_secs() + started).max(1) }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::{StatusCode, header};
    use axum::response::IntoResponse;
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn limits(per_address: u32, per_account: u32) -> (RateLimits<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let settings =
            RateSettings { per_address_per_minute: per_address, per_account_per_minute: per_account };
        (RateLimits::with_clock(settings, &clock), clock)
    }

    /// How long a client is told to wait.
    fn told_to_wait(refused: Result<(), Problem>) -> u64 {
        let response = refused.expect_err("it was let pass").into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        response.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_minutes_calls_pass_at_once_and_then_one_at_a_time() {
        let (limits, clock) = limits(60, 10);
        let check = || limits.check_address(address("203.0.113.5"));
        for _ in 0..60 {
            check().unwrap();
        }
        assert_eq!(told_to_wait(check()), 1);
        clock.advance(Duration::from_millis(999));
        assert_eq!(told_to_wait(check()), 1);
        clock.advance(Duration::from_millis(1));
        check().unwrap();
        assert_eq!(told_to_wait(check()), 1);
        clock.advance(Duration::from_secs(600));
        for _ in 0..60 {
            check().unwrap();
        }
        told_to_wait(check());
    }

    #[test]
    fn the_wait_is_rounded_up_and_long_enough() {
        let (limits, clock) = limits(0, 7);
        for _ in 0..7 {
            limits.check_mail("ada").unwrap();
        }
        // A seventh of a minute is 8.57 s.
        let wait = told_to_wait(limits.check_mail("ada"));
        assert_eq!(wait, 9);
        clock.advance(Duration::from_secs(wait));
        limits.check_mail("ada").unwrap();
    }

    #[test]
    fn addresses_and_accounts_are_counted_each_for_itself() {
        let (limits, _clock) = limits(1, 1);
        for other in ["203.0.113.5", "203.0.113.6", "2001:db8::1"] {
            limits.check_address(address(other)).unwrap();
        }
        for other in ["ada", "grace", "203.0.113.5"] {
            limits.check_mail(other).unwrap();
            limits.check_try(address("203.0.113.5"), other).unwrap();
        }
        told_to_wait(limits.check_address(address("203.0.113.5")));
        told_to_wait(limits.check_mail("ada"));
        told_to_wait(limits.check_try(address("203.0.113.5"), "ada"));
    }

    #[test]
    fn a_stranger_who_guesses_does_not_lock_the_owner_out_alone() {
        let (limits, _clock) = limits(0, 2);
        let [stranger, owner] = ["203.0.113.5", "203.0.113.6"].map(address);
        for _ in 0..2 {
            limits.check_try(stranger, "ada").unwrap();
        }
        for _ in 0..100 {
            told_to_wait(limits.check_try(stranger, "ada"));
        }
        limits.check_try(owner, "ada").unwrap();
    }

    #[test]
    fn many_strangers_together_are_stopped_too() {
        let (limits, _clock) = limits(0, 2);
        let clients = |from: u8| (from..from + 20).map(|n| IpAddr::from([203, 0, 113, n]));
        for client in clients(0) {
            limits.check_try(client, "ada").unwrap();
        }
        for client in clients(20) {
            told_to_wait(limits.check_try(client, "ada"));
        }
    }

    #[test]
    fn one_ipv6_network_of_64_bits_is_one_client() {
        let (limits, _clock) = limits(1, 1);
        limits.check_address(address("2001:db8:0:1::1")).unwrap();
        told_to_wait(limits.check_address(address("2001:db8:0:1:ffff:ffff:ffff:ffff")));
        limits.check_address(address("2001:db8:0:2::1")).unwrap();
        limits.check_address(address("203.0.113.5")).unwrap();
        told_to_wait(limits.check_address(address("::ffff:203.0.113.5")));
    }

    #[test]
    fn nothing_is_no_limit() {
        let (limits, _clock) = limits(0, 0);
        for _ in 0..1000 {
            limits.check_address(address("203.0.113.5")).unwrap();
            limits.check_mail("ada").unwrap();
            limits.check_try(address("203.0.113.5"), "ada").unwrap();
            limits.check_change("ada").unwrap();
        }
    }

    #[test]
    fn any_number_of_keys_takes_no_more_than_the_buckets() {
        let clock = FakeRelativeClock::default();
        let limit = Limit::new(NonZeroU32::MAX, clock);
        for key in 0..2 * Limit::<FakeRelativeClock>::BUCKETS {
            assert!(limit.check(key).is_ok());
        }
        let used = u64::try_from(limit.buckets.len()).unwrap();
        assert!(used <= Limit::<FakeRelativeClock>::BUCKETS && used > 200_000, "{used}");
    }
}
