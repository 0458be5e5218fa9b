use crate::repositories::Jitter;

/// Pseudo-random numbers, seeded by the standard library. Not for secrets.
pub struct SystemJitter;

impl Jitter for SystemJitter {
    fn next(&self) -> f64 {
        fastrand::f64()
    }
}
