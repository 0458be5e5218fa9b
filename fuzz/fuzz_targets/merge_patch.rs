#![no_main]

use std::cell::RefCell;

use checks::merge_patch::Target;

#[expect(dead_code, reason = "one target tries one of the checks")]
#[path = "../checks/mod.rs"]
mod checks;

/// After so many patches the service begins anew: its outbox would fill the disk.
const PER_TARGET: u32 = 20_000;

thread_local! {
    static TARGET: RefCell<(u32, Option<Target>)> = const { RefCell::new((0, None)) };
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    TARGET.with_borrow_mut(|(patches, target)| {
        *patches += 1;
        if patches.is_multiple_of(PER_TARGET) {
            *target = None;
        }
        target.get_or_insert_with(Target::start).check(data);
    });
});
