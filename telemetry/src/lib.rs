//! What the programs tell about themselves, in one way for all of them. What is told, and what never is, is in
//! `docs/LOGGING.md`.
//!
//! Nothing of it is known to entities, ports and use cases; a program starts what it needs of it in its `main`.

#[cfg(feature = "doctor")]
pub mod doctor;
#[cfg(feature = "healthcheck")]
pub mod healthcheck;
#[cfg(feature = "logs")]
pub mod logs;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "probes")]
pub mod probes;
#[cfg(feature = "readiness")]
mod readiness;

#[cfg(feature = "readiness")]
pub use readiness::Readiness;
