use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// How many spans of what is done in batches are made in one second at most. A span costs a few microseconds with its
/// way to the collector; a relay that catches up has no hundred of them for an event.
const MOST_A_SECOND: u64 = 1000;
/// The count is below the second in one number.
const COUNT_BITS: u32 = 16;

/// Counts spans by the second in which they began.
#[derive(Debug, Default)]
pub(super) struct Allowance(AtomicU64);

impl Allowance {
    /// Whether there is one left for that second.
    pub(super) fn take(&self, began: SystemTime) -> bool {
        let second = began.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) << COUNT_BITS;
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
            let count = last.checked_sub(second).filter(|count| *count <= MOST_A_SECOND).unwrap_or(0);
            (count < MOST_A_SECOND).then_some(second + count + 1)
        });
        taken.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_second_has_so_many_and_the_next_as_many_again() {
        let allowance = Allowance::default();
        let second = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        for second in [second, second + Duration::from_secs(1)] {
            let taken = (0..5000_u64).filter(|n| allowance.take(second + Duration::from_micros(*n)));
            assert_eq!(taken.count() as u64, MOST_A_SECOND);
        }
    }
}
