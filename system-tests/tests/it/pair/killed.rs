//! Nothing that was answered is lost, whichever of the three processes is killed.

use std::time::Duration;

use system_tests::{UpdateLoad, eventually, mailed_updates};
use tokio::time::sleep;

use super::deployment::Deployment;

const SEED: u64 = 41;
const UPDATES: usize = 300;
/// Each of the three is killed so often.
const ROUNDS: usize = 4;
/// Leases and sessions of the killed processes end within this time, and then everything goes out.
const LIMIT: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answered_update_has_its_mail_whichever_process_is_killed() {
    let Some(mut deployment) = Deployment::start("killed").await else { return };
    let load = UpdateLoad::start(&deployment.users, UPDATES).await;
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut moments: Vec<usize> = (0..ROUNDS * 3).map(|_| random.usize(5..UPDATES * 9 / 10)).collect();
    moments.sort_unstable();
    for moment in moments {
        load.tried(moment).await;
        // Somewhere within what the last updates set in motion.
        sleep(Duration::from_micros(random.u64(0..60_000))).await;
        deployment.kill_and_restart_the_oldest().await;
        load.api_is_at(&deployment.users);
    }
    let acknowledged = load.acknowledged().await;
    assert!(acknowledged.len() > UPDATES / 2, "seed {SEED}: only {} were answered", acknowledged.len());

    eventually("every answered update is mailed", LIMIT, || async {
        let mailed = mailed_updates(&deployment.sink.mails().await);
        acknowledged.iter().all(|update| mailed.contains_key(update))
    })
    .await;
    eventually("the outbox is empty", LIMIT, || async { deployment.userdata.count("outbox").await == 0 })
        .await;
    eventually("nothing is queued", LIMIT, || async {
        deployment.notifier.count("notifications WHERE state = 'queued'").await == 0
    })
    .await;
    let mailed = mailed_updates(&deployment.sink.mails().await);
    let several: Vec<_> = mailed.iter().filter(|(_, ids)| ids.len() > 1).collect();
    assert!(several.is_empty(), "a mail that was sent twice has one Message-ID: {several:?}");
    assert_eq!(deployment.userdata.count("deadOutbox").await, 0);
    assert_eq!(deployment.notifier.count("notifications WHERE state = 'dead'").await, 0);
    assert!(deployment.topic.dead_letters().is_empty());
    deployment.stop().await;
}
