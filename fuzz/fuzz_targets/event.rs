#![no_main]

#[expect(dead_code, reason = "one target tries one of the checks")]
#[path = "../checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::event::check(data));
