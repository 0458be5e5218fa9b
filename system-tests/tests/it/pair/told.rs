//! That everybody was told of everything that happened to an account, and of nothing else.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use system_tests::{Published, eventually, update_of_name, updates_by_reader};

use super::deployment::Deployment;

/// Waits until the relay has published all that is committed.
pub(super) async fn everything_is_published(deployment: &Deployment, limit: Duration) {
    eventually("the outbox is empty", limit, || async { deployment.userdata.count("outbox").await == 0 })
        .await;
}

/// Waits until a deployment has nothing left to do; nothing was set aside.
pub(super) async fn nothing_is_left(deployment: &Deployment, limit: Duration) {
    everything_is_published(deployment, limit).await;
    deployment.all_is_mailed(limit).await;
    assert_eq!(deployment.userdata.count("deadOutbox").await, 0);
    assert_eq!(deployment.notifier.count("notifications WHERE state = 'dead'").await, 0);
    assert!(deployment.topic.dead_letters().is_empty());
}

/// Waits until a deployment has nothing left to do, and holds what it has done against the accounts as they are: every
/// version of every account is on the topic, first occurrences in order, every answered update among them, and the
/// mails tell of the same updates in the same order.
pub(super) async fn all_is_told(deployment: &Deployment, answered: &[usize], limit: Duration) {
    nothing_is_left(deployment, limit).await;
    let published = Published::of(&deployment.topic.records());
    published.is_every_version_in_order(&deployment.userdata.versions_of_users().await);
    let told = updates_by_address(&published);
    let numbers: HashSet<_> = told.values().flatten().collect();
    let lost: Vec<_> = answered.iter().filter(|number| !numbers.contains(number)).collect();
    assert!(lost.is_empty(), "answered and not published: {lost:?}");
    assert_eq!(updates_by_reader(&deployment.sink.mails().await), told, "what the mails tell of");
}

/// The updates on the topic, by the address of the user.
pub(super) fn updates_by_address(published: &Published) -> HashMap<String, Vec<usize>> {
    let mut updates: HashMap<String, Vec<usize>> = HashMap::new();
    for event in published.events() {
        let user = event.change.current().unwrap();
        if let Some(number) = user.full_name.as_deref().and_then(update_of_name) {
            updates.entry(user.email.clone()).or_default().push(number);
        }
    }
    updates
}
