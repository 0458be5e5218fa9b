//! Deliberate defects, with which the fault campaign of `system-tests` shows what it sees. Only where the feature
//! `test-switches` and debug assertions are both on: no release build can have them.

mod ignored_leases;
mod mark_sent_first;
mod store_offsets_first;

use std::sync::Arc;

use ignored_leases::IgnoredLeases;
use mark_sent_first::MarkSentFirst;
use store_offsets_first::StoreOffsetsFirst;

use crate::repositories::NotificationLedger;
use crate::transport::EventConsumer;

/// Which defect this process has, by name.
const DEFECT: &str = "INF_USER_SEEDED_DEFECT";

#[expect(clippy::disallowed_methods, reason = "a switch of tests is no setting, and has no flag")]
fn has_defect(name: &str) -> bool {
    let has = std::env::var(DEFECT).is_ok_and(|defect| defect == name);
    if has {
        tracing::error!(defect = name, "this process has a defect on purpose");
    }
    has
}

/// The consumer, or one that stores offsets before anything is recorded.
pub(super) fn consumer(consumer: Box<dyn EventConsumer>) -> Box<dyn EventConsumer> {
    if has_defect("store-offset-before-record") { Box::new(StoreOffsetsFirst(consumer)) } else { consumer }
}

/// The ledger, or one that marks mails as sent before they are, or whose leases nobody heeds.
pub(super) fn ledger(ledger: Arc<dyn NotificationLedger>) -> Arc<dyn NotificationLedger> {
    if has_defect("mark-sent-before-sending") {
        Arc::new(MarkSentFirst(ledger))
    } else if has_defect("ignore-lease") {
        Arc::new(IgnoredLeases(ledger))
    } else {
        ledger
    }
}
