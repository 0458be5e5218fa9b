use chrono::{DateTime, Utc};

/// The time of day.
pub trait Clock: Send + Sync {
    /// Now, to the microsecond: what the databases keep.
    fn now(&self) -> DateTime<Utc>;
}
