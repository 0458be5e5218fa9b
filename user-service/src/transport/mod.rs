//! What drives the service: the REST API, the relay's loop, and what is to be done from time to time.

#[cfg(any(feature = "housekeeping", feature = "relay-loop"))]
mod backoff;
#[cfg(feature = "housekeeping")]
pub mod housekeeping_loop;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "housekeeping")]
pub mod password_reset_loop;
#[cfg(feature = "relay-loop")]
mod relay_health;
#[cfg(feature = "relay-loop")]
pub mod relay_loop;
#[cfg(feature = "relay-loop")]
pub mod watch_loop;

#[cfg(feature = "relay-loop")]
pub use relay_health::RelayHealth;
