use chrono::{DateTime, SubsecRound, Utc};

use crate::repositories::Clock;

/// The operating system's clock: the one place of this service that reads it.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the owner of the time")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }
}
