use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time since the Unix epoch, which brokers stamp records with as well.
#[expect(clippy::disallowed_methods, reason = "a benchmark has no Clock port to read the time by")]
pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
