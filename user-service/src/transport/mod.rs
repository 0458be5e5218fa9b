//! What drives the service: the REST API and the relay's loop.

#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "relay-loop")]
pub mod relay_loop;
