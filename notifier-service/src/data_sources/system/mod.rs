//! The machine's own clock and randomness, and what this process is allowed in a time.

mod clock;
mod jitter;
mod send_rate;
mod wall_clock;

pub use clock::SystemClock;
pub use jitter::SystemJitter;
pub use send_rate::{GovernorSendRate, UnlimitedSendRate};
pub use wall_clock::machine_time;
