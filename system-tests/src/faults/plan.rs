//! What happens in a campaign, as a function of its seed alone.

use std::time::Duration;

use fastrand::Rng;

use super::fault::Fault;
use super::life::LifePlan;

/// A fault and when it begins, counted from the beginning of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedFault {
    /// The moment.
    pub at: Duration,
    /// What goes wrong.
    pub fault: Fault,
}

/// A campaign's faults and clients.
pub struct Plan {
    /// In the order of their moments.
    pub faults: Vec<PlannedFault>,
    lives: u64,
    with_sql: bool,
}

/// Before the first fault, for the processes to be at work.
const CALM: Duration = Duration::from_secs(3);
/// Between two faults, in milliseconds; half as long as most of them last, so that they meet.
const GAPS: std::ops::Range<u64> = 1_000..5_500;

impl Plan {
    /// The campaign of that seed and length, with clients that use plain SQL too or not.
    pub fn of(seed: u64, length: Duration, with_sql: bool) -> Self {
        let mut random = Rng::with_seed(seed);
        let lives = random.u64(..);
        let (mut faults, mut at) = (Vec::new(), CALM);
        while at < length {
            if random.u32(0..4) == 0 {
                let (outage, kills) = Fault::in_an_outage(&mut random);
                let within = Duration::from_millis(random.u64(500..3_000));
                faults.push(PlannedFault { at, fault: outage });
                at += within;
                faults.extend(kills.map(|fault| PlannedFault { at, fault }));
            } else {
                faults.push(PlannedFault { at, fault: Fault::any(&mut random) });
            }
            at += Duration::from_millis(random.u64(GAPS));
        }
        Self { faults, lives, with_sql }
    }

    /// What the `number`th account goes through.
    pub fn life(&self, number: usize) -> LifePlan {
        let seed = self.lives.wrapping_add((number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        LifePlan::of(&mut Rng::with_seed(seed), self.with_sql)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::faults::Step;

    const LENGTH: Duration = Duration::from_secs(600);

    #[test]
    fn a_seed_makes_the_same_plan_each_time_and_another_seed_another() {
        let (first, again, other) =
            (Plan::of(7, LENGTH, true), Plan::of(7, LENGTH, true), Plan::of(8, LENGTH, true));
        assert_eq!(first.faults, again.faults);
        assert_ne!(first.faults, other.faults);
        for number in 0..50 {
            assert_eq!(first.life(number), again.life(number));
        }
        assert_ne!(first.life(0), first.life(1));
        assert_ne!(first.life(0), other.life(0));
    }

    #[test]
    fn a_longer_campaign_begins_as_a_shorter_one_of_its_seed() {
        let (short, long) = (Plan::of(7, LENGTH / 2, true), Plan::of(7, LENGTH, true));
        assert_eq!(short.faults, long.faults[..short.faults.len()]);
    }

    #[test]
    fn ten_minutes_hold_a_hundred_faults_and_every_kind_of_them() {
        let plan = Plan::of(1, LENGTH, false);
        assert!(plan.faults.len() >= 100, "{}", plan.faults.len());
        assert!(plan.faults.is_sorted_by_key(|planned| planned.at));
        let kinds: HashSet<_> =
            plan.faults.iter().map(|planned| std::mem::discriminant(&planned.fault)).collect();
        assert_eq!(kinds.len(), 8, "Fault has eight kinds");
    }

    #[test]
    fn plain_sql_is_only_used_where_it_is_captured() {
        let uses_sql = |plan: &Plan| {
            (0..50).any(|number| plan.life(number).steps.iter().any(|step| matches!(step, Step::RenameBySql)))
        };
        assert!(uses_sql(&Plan::of(3, LENGTH, true)));
        assert!(!uses_sql(&Plan::of(3, LENGTH, false)));
    }
}
