//! Account data over REST, and the relay that publishes every committed change.
//!
//! Five layers, each a module, each allowed to use only what stands left of it:
//! [`entities`] ← [`repositories`] (ports) ← [`interactors`] (use cases) ← [`transport`] (what drives
//! the service); [`data_sources`] holds the adapters of the ports. Only [`composition`] knows which
//! adapter stands behind which port. `docs/ARCHITECTURE.md` walks one request through all of them.

pub mod data_sources;
pub mod entities;
pub mod interactors;
pub mod repositories;
pub mod transport;

#[cfg(feature = "composition")]
pub mod composition;
#[cfg(feature = "composition")]
pub mod config;
