use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const STARTING: &str = "is being looked at";

/// What stands in the way of a service's work, by its parts, for those who ask whether it is ready. Clones share it.
///
/// Each change is logged once: that a part does not work as an error, that it works again as information.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<Mutex<BTreeMap<&'static str, State>>>);

#[derive(Debug, Default)]
struct State {
    /// Why it does not work.
    obstacle: Option<String>,
    /// Since when it has failed each time that it was looked at.
    failing_since: Option<Instant>,
    /// Whether the log says so.
    is_told: bool,
}

impl Readiness {
    /// Not ready, until each part of these names is [ready](Self::ready).
    pub fn starting(parts: &[&'static str]) -> Self {
        let starting = || State { obstacle: Some(STARTING.to_owned()), ..State::default() };
        Self(Arc::new(Mutex::new(parts.iter().map(|part| (*part, starting())).collect())))
    }

    /// The part works.
    pub fn ready(&self, part: &'static str) {
        let before = self.states().insert(part, State::default());
        if before.is_some_and(|state| state.obstacle.is_some()) {
            tracing::info!(part, "ready");
        }
    }

    /// The part was looked at and does not work, for that reason. It is not ready once that has been so for as long as
    /// the patience, so that a short trouble changes nothing; at once where it never was.
    ///
    /// The reason is told to anybody who can ask, so it must hold no secret.
    pub fn failed(&self, part: &'static str, patience: Duration, reason: impl Into<String>) {
        let mut states = self.states();
        let state = states.entry(part).or_default();
        let is_lasting = state.failing_since.get_or_insert_with(Instant::now).elapsed() >= patience;
        // What has not been ready yet, since the process has just started, is not ready, and no error.
        if state.obstacle.is_none() && !is_lasting {
            return;
        }
        let cause = state.obstacle.insert(reason.into());
        if is_lasting && !std::mem::replace(&mut state.is_told, true) {
            tracing::error!(part, cause, "not ready");
        }
    }

    /// Each part, and why it does not work where it does not.
    pub fn parts(&self) -> Vec<(&'static str, Option<String>)> {
        self.states().iter().map(|(part, state)| (*part, state.obstacle.clone())).collect()
    }

    fn states(&self) -> MutexGuard<'_, BTreeMap<&'static str, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn obstacle(readiness: &Readiness) -> Option<String> {
        readiness.parts().into_iter().find_map(|(_part, obstacle)| obstacle)
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_is_not_ready_once_it_has_failed_for_long_and_ready_at_once() {
        let readiness = Readiness::starting(&["broker"]);
        assert_eq!(obstacle(&readiness).as_deref(), Some(STARTING));
        readiness.failed("broker", PATIENCE, "never seen");
        assert_eq!(obstacle(&readiness).as_deref(), Some("never seen"));
        readiness.ready("broker");
        for _outage in 0..2 {
            for (seconds, expected) in [(0, None), (9, None), (1, Some("away")), (1, Some("away"))] {
                tokio::time::advance(Duration::from_secs(seconds)).await;
                readiness.failed("broker", PATIENCE, "away");
                assert_eq!(obstacle(&readiness).as_deref(), expected);
            }
            readiness.ready("broker");
            assert_eq!(obstacle(&readiness), None);
        }
        readiness.failed("broker", Duration::ZERO, "gone");
        assert_eq!(obstacle(&readiness).as_deref(), Some("gone"));
    }
}
