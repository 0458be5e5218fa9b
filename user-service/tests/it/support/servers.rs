//! The servers that `scripts/test` starts, or that somebody names in the environment.

/// What the environment says.
#[expect(clippy::disallowed_methods, reason = "the tests' own settings; the one place that reads them")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The server that `setting` names. `None` when there is a reason to do without it, which is printed.
pub(crate) fn server(setting: &str, reason_to_skip: &str) -> Option<String> {
    if let Some(server) = variable(setting) {
        return Some(server);
    }
    let Some(reason) = variable(reason_to_skip) else {
        panic!(
            "this test needs a server: run scripts/test, which starts it, or set {setting}; \
             or set {reason_to_skip} to the reason why it cannot run"
        );
    };
    println!("not run: {reason}");
    None
}
