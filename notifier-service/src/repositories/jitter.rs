/// Randomness that keeps retries apart.
pub trait Jitter: Send + Sync {
    /// A number from 0 up to, not including, 1, each time another one. Need not be unpredictable.
    fn next(&self) -> f64;
}
