//! Tests of the whole crate from outside, in one binary: it links once.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail like tests; clippy.toml's exemption is for test functions"
)]

mod mailbox;
mod process;
mod try_it_now;
