//! The event contract, held against golden files: one a type and version, and samples of what Debezium writes. A file
//! here is what is on somebody's topic, so it is added to and never edited.
#![expect(clippy::unwrap_used, reason = "a test may end with a panic")]

mod debezium;
mod golden;
