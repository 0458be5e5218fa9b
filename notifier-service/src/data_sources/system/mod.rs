//! The machine's own clock and randomness.

mod clock;
mod jitter;

pub use clock::SystemClock;
pub use jitter::SystemJitter;
