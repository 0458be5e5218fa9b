//! Deliberate defects and a clock that can be set, with which the fault campaign of `system-tests` shows what it sees.
//! Only where the feature `test-switches` and debug assertions are both on: no release build can have them.

mod acknowledge_first;
mod outbox_apart;
mod set_clock;

use std::sync::Arc;

use acknowledge_first::AcknowledgeFirst;
use outbox_apart::OutboxApart;
use set_clock::SetClock;

use crate::repositories::{ChangeFeed, Clock, UserRepository};

/// Which defect this process has, by name.
const DEFECT: &str = "INF_USER_SEEDED_DEFECT";
/// A file with the milliseconds by which the time of day is wrong.
const CLOCK: &str = "INF_USER_CLOCK_FILE";

#[expect(clippy::disallowed_methods, reason = "a switch of tests is no setting, and has no flag")]
fn switch(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn has_defect(name: &str) -> bool {
    let has = switch(DEFECT).is_some_and(|defect| defect == name);
    if has {
        tracing::error!(defect = name, "this process has a defect on purpose");
    }
    has
}

/// The feed, or one that acknowledges before anything is published.
pub(super) fn feed(feed: Arc<dyn ChangeFeed>) -> Arc<dyn ChangeFeed> {
    if has_defect("acknowledge-before-publish") { Arc::new(AcknowledgeFirst(feed)) } else { feed }
}

/// The accounts, or some whose changes are committed before their events.
pub(super) fn users(users: Arc<dyn UserRepository>) -> Arc<dyn UserRepository> {
    if has_defect("outbox-outside-the-transaction") { Arc::new(OutboxApart(users)) } else { users }
}

/// The clock, or one that is set by a file.
pub(super) fn clock(clock: Arc<dyn Clock>) -> Arc<dyn Clock> {
    match switch(CLOCK) {
        Some(file) => Arc::new(SetClock { clock, file: file.into() }),
        None => clock,
    }
}
