//! Two relays on one database and one topic, under load: when the active one is killed or stopped, the other publishes
//! within ten seconds, and the order of each user's events holds, also when the stopped one goes on later.

use std::time::Duration;

use system_tests::{Published, SteadyLoad, eventually};
use tokio::time::Instant;

use super::deployment::Deployment;
use super::told::all_is_told;

const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(10);
const LIMIT: Duration = Duration::from_secs(60);
/// How many updates are allowed before something happens to the active relay, and after each thing that happens. Half of
/// the first are answered when it happens.
const UPDATES: usize = 60;

/// Starts a deployment with two relays, of which the first is active, and its load.
async fn with_two_relays(what: &str) -> Option<(Deployment, SteadyLoad)> {
    let mut deployment = Deployment::start(what).await?;
    deployment.process("relay").logged("this relay is active", LIMIT).await;
    deployment.start_relay().await;
    let load = SteadyLoad::start(&deployment.users).await;
    load.allow(UPDATES);
    load.answered(UPDATES / 2, LIMIT).await;
    Some((deployment, load))
}

/// How many different events are on the topic.
fn published(deployment: &Deployment) -> usize {
    Published::of(&deployment.topic.records()).events().count()
}

/// Holds that the standby publishes in time, when the active relay publishes nothing since that moment.
async fn the_standby_publishes(since: Instant, deployment: &Deployment, load: &SteadyLoad) {
    let before = published(deployment);
    // So that there is something to publish, though the standby may have published the rest already.
    load.allow(UPDATES);
    let left = TAKEN_OVER_WITHIN.saturating_sub(since.elapsed());
    eventually("the standby publishes", left, || async { published(deployment) > before }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_standby_takes_over_from_a_relay_that_is_killed() {
    let Some((mut deployment, load)) = with_two_relays("relay_killed").await else { return };
    deployment.kill_command("relay");
    the_standby_publishes(Instant::now(), &deployment, &load).await;
    load.answered(2 * UPDATES, LIMIT).await;
    all_is_told(&deployment, &load.end().await, LIMIT).await;
    deployment.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_standby_takes_over_from_a_relay_that_is_stopped_and_goes_on_later() {
    let Some((deployment, load)) = with_two_relays("relay_stopped").await else { return };
    let active = deployment.process("relay");
    active.freeze(LIMIT).await;
    the_standby_publishes(Instant::now(), &deployment, &load).await;
    load.allow(UPDATES);
    active.thaw();
    load.answered(3 * UPDATES, LIMIT).await;
    active.logged("this relay is not active", LIMIT).await;
    all_is_told(&deployment, &load.end().await, LIMIT).await;
    deployment.stop().await;
}
