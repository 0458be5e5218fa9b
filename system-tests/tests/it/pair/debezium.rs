//! The real Debezium connector, configured as it is shipped, in place of our relay and beside it.

use reqwest::StatusCode;
use serde_json::json;
use system_tests::{Account, Connector, Server};

use super::deployment::Deployment;
use super::world::{MAILS_OF_A_LIFE, World, expect};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn debezium_gives_the_mails_that_the_relay_gives_and_a_switch_mails_nobody_twice() {
    if Server::Debezium.address().is_none() {
        return;
    }
    let Some(deployment) = Deployment::start("debezium").await else { return };
    let mut world = World::of(deployment);
    let folder = tempfile::tempdir().unwrap();
    let (brokers, topic) = (world.deployment.brokers.clone(), world.deployment.topic.name().to_owned());
    let connector = Connector::prepare(folder.path(), &world.deployment.userdata, &brokers, &topic).await;

    let by_relay = world.live("ada").await;

    // From the relay to Debezium: for a while both run.
    connector.start();
    let eve = world.register("eve").await;
    assert_eq!(world.live("bob").await, by_relay);
    world.debezium_saw_the_end_of("bob").await;
    world.outbox_is_empty().await;
    world.deployment.stop_command("relay").await;
    assert_eq!(world.count_mails().await, 2 * MAILS_OF_A_LIFE + 1);

    // Debezium alone: the relay publishes only what it cannot see.
    world.deployment.set("USER_SERVICE_CAPTURE", "outbox-requests");
    world.deployment.start_relay().await;
    assert_eq!(world.live("cyd").await, by_relay);
    world.another_program_changes_accounts().await;
    what_debezium_cannot_see(&world, &eve).await;
    world.outbox_is_empty().await;
    assert_eq!(world.told_by_the_relay("cyd"), 0);
    world.deployment.stop_command("relay").await;
    let so_far = world.count_mails().await;

    // And back.
    world.deployment.set("USER_SERVICE_CAPTURE", "outbox-binlog");
    world.deployment.start_relay().await;
    assert_eq!(world.live("dan").await, by_relay);
    world.debezium_saw_the_end_of("dan").await;
    world.outbox_is_empty().await;
    assert!(world.told_by_the_relay("dan") > 0);
    connector.stop();
    assert_eq!(world.count_mails().await, so_far + MAILS_OF_A_LIFE);

    // The relay alone; then Debezium goes on where it was and tells all of it again.
    assert_eq!(world.live("fay").await, by_relay);
    world.outbox_is_empty().await;
    connector.start();
    world.debezium_saw_the_end_of("fay").await;
    assert_eq!(world.count_mails().await, so_far + 2 * MAILS_OF_A_LIFE);

    assert!(world.deployment.topic.dead_letters().is_empty());
    connector.remove(&world.deployment.userdata).await;
    world.deployment.stop().await;
}

/// A column that the connector keeps back is told of without its name, and a request by the relay.
async fn what_debezium_cannot_see(world: &World, eve: &Account) {
    let users = &world.deployment.users;
    expect(eve.patch(users, &json!({ "address": "1 Marked Secret Lane" })), StatusCode::OK).await;
    let mails = world.get_mails("eve", 3).await;
    assert!(mails[2].text.contains("Your account eve was changed."), "{mails:?}");
    for record in world.deployment.topic.records() {
        let text = String::from_utf8_lossy(&record.value);
        assert!(!text.contains("Secret Lane") && !text.contains("argon2"), "{text}");
    }

    let resets = format!("{}/password-resets", users.trim_end_matches("/users"));
    let request = world.client.post(resets).json(&json!({ "email": "eve@old.example" }));
    expect(request, StatusCode::ACCEPTED).await;
    let reset = world.get_mails("eve", 4).await.pop().unwrap();
    assert!(reset.text.contains("/reset-password?token="), "{reset:?}");
}
