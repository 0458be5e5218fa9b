//! The tests that look at the pair as a whole.
#![expect(clippy::unwrap_used, reason = "a test may end with a panic")]

mod all_in_one_full_disk;
mod all_in_one_killed;
mod bench;
mod composed;
mod event_log;
mod fuzz_corpus;
mod layers;
mod pair;
mod readme;
mod relay_killed;
mod shipping;
