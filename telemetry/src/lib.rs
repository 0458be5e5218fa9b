//! What the programs tell about themselves, in one way for all of them. What is told, and what never is, is in
//! `docs/LOGGING.md`.
//!
//! Entities, ports and use cases know nothing of it: they pass a trace context on as the text that it is. A program
//! starts what it needs in its `main`; transport and adapters make spans by a [`Tracer`] that they are given.

mod context;
#[cfg(feature = "doctor")]
pub mod doctor;
#[cfg(feature = "healthcheck")]
pub mod healthcheck;
#[cfg(feature = "logs")]
pub mod logs;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(feature = "probes")]
pub mod probes;
#[cfg(feature = "readiness")]
mod readiness;
#[cfg(feature = "cli")]
mod settings;
mod tracer;

pub use context::{BadTraceparent, TraceContext};
#[cfg(feature = "readiness")]
pub use readiness::Readiness;
#[cfg(feature = "cli")]
pub use settings::{BadTraceSetting, TraceSettings, Traces};
pub use tracer::{Moment, Span, SpanKind, SpanValue, Tracer};
