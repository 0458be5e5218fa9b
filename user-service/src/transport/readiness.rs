use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What stands in the way of this process's work, for those who ask whether it is ready. Clones share it.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<Mutex<BTreeMap<&'static str, String>>>);

impl Readiness {
    /// Not ready, until the part of that name is [ready](Self::ready).
    pub fn starting(part: &'static str) -> Self {
        Self(Arc::new(Mutex::new(BTreeMap::from([(part, "is being looked at".to_owned())]))))
    }

    /// The part works. Returns whether it did not before.
    pub fn ready(&self, part: &'static str) -> bool {
        self.parts().remove(part).is_some()
    }

    /// The part does not work, and why. Returns whether it did before.
    pub fn not_ready(&self, part: &'static str, reason: String) -> bool {
        self.parts().insert(part, reason).is_none()
    }

    /// The parts that do not work, a line each; empty when all do.
    pub fn obstacles(&self) -> Vec<String> {
        self.parts().iter().map(|(part, reason)| format!("{part}: {reason}")).collect()
    }

    fn parts(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
