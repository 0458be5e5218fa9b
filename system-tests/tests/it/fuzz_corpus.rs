//! The corpus of the fuzzers (`scripts/fuzz`), tried once more: what was found once does not come back.

#[path = "../../../fuzz/checks/mod.rs"]
mod checks;

use std::path::Path;

/// Hands over each file of that target's corpus, with its name on the way out of a panic.
fn each(target: &str, mut check: impl FnMut(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut files = 0;
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        println!("{}", path.display());
        check(&std::fs::read(&path).unwrap());
        files += 1;
    }
    assert!(files > 0, "nothing is in {}", folder.display());
}

#[test]
fn events_are_read_or_refused() {
    each("event", checks::event::check);
}

#[test]
fn changes_by_debezium_are_read_or_refused() {
    each("debezium", checks::debezium::check);
}

#[test]
fn action_tokens_are_honoured_or_refused() {
    each("action-token", checks::action_token::check);
}

#[test]
fn patches_are_done_or_refused() {
    let mut target = checks::merge_patch::Target::start();
    each("merge-patch", |patch| target.check(patch));
}
