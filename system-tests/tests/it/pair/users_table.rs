//! The relay captures from the table of users: what another program changes there is mailed, and no switch between the
//! captures, in whichever direction, mails anybody twice.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde_json::json;
use shared_kernel::{EventId, read_record};
use system_tests::{Connector, OwnServer, Server, eventually};

use super::deployment::{Deployment, Servers};
use super::world::{LIMIT, MAILS_OF_A_LIFE, World, expect};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_with_plain_sql_is_mailed() {
    let more = [("USER_SERVICE_CAPTURE", "users-table")];
    let Some(deployment) = Deployment::start_with("users_table", &more).await else { return };
    let world = World::of(deployment);
    world.relay_is_at_work().await;
    let eve = world.register("eve").await;
    world.another_program_changes_accounts().await;

    let users = &world.deployment.users;
    expect(eve.patch(users, &json!({ "address": "1 Marked Secret Lane" })), StatusCode::OK).await;
    let mails = world.get_mails("eve", 3).await;
    assert!(mails[2].text.contains("address"), "{mails:?}");
    let resets = format!("{}/password-resets", users.trim_end_matches("/users"));
    let request = world.client.post(resets).json(&json!({ "email": "eve@old.example" }));
    expect(request, StatusCode::ACCEPTED).await;
    let reset = world.get_mails("eve", 4).await.pop().unwrap();
    assert!(reset.text.contains("/reset-password?token="), "{reset:?}");
    world.outbox_is_empty().await;
    for record in world.deployment.topic.records() {
        let text = String::from_utf8_lossy(&record.value);
        assert!(!text.contains("Secret Lane") && !text.contains("argon2"), "{text}");
    }
    world.deployment.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_switch_between_the_captures_mails_anybody_twice() {
    if Server::Debezium.address().is_none() {
        return;
    }
    let Some(deployment) = Deployment::start("switches").await else { return };
    let mut world = World::of(deployment);
    let folder = tempfile::tempdir().unwrap();
    let (brokers, topic) = (world.deployment.brokers.clone(), world.deployment.topic.name().to_owned());
    let connector = Connector::prepare(folder.path(), &world.deployment.userdata, &brokers, &topic).await;

    // From the outbox to the table.
    let by_outbox = world.live("ada").await;
    world.register("eve").await;
    world.relay_captures("users-table").await;
    assert_eq!(world.live("bob").await, by_outbox);
    world.another_program_changes_accounts().await;
    // 1 + 1 about eve and 3 about gus.
    assert_eq!(world.count_mails().await, 2 * MAILS_OF_A_LIFE + 5);

    // To Debezium: for a while both tell what another program does.
    connector.start();
    world.deployment.userdata.execute("UPDATE users SET fullName = 'By both' WHERE username = 'eve'").await;
    world.get_mails("eve", 3).await;
    assert_eq!(world.live("cyd").await, by_outbox);
    world.debezium_saw_the_end_of("cyd").await;
    world.relay_captures("outbox-requests").await;
    world
        .deployment
        .userdata
        .execute("UPDATE users SET fullName = 'By Debezium' WHERE username = 'eve'")
        .await;
    world.get_mails("eve", 4).await;
    assert_eq!(world.live("dan").await, by_outbox);
    world.debezium_saw_the_end_of("dan").await;
    assert_eq!(world.count_mails().await, 4 * MAILS_OF_A_LIFE + 7);

    // And back to the table, from where it was: all that Debezium has told comes again.
    world.relay_captures("users-table").await;
    assert_eq!(world.live("fay").await, by_outbox);
    world.debezium_saw_the_end_of("fay").await;
    connector.stop();
    eventually("the relay has caught up", LIMIT, || async { world.told_by_the_relay("fay") > 0 }).await;
    assert!(world.told_by_the_relay("dan") > 0);
    assert_eq!(world.count_mails().await, 5 * MAILS_OF_A_LIFE + 7);

    // And back to the outbox.
    world.relay_captures("outbox-binlog").await;
    assert_eq!(world.live("gil").await, by_outbox);
    world.outbox_is_empty().await;
    assert_eq!(world.count_mails().await, 6 * MAILS_OF_A_LIFE + 7);
    each_change_has_one_id(&world);

    assert!(world.deployment.topic.dead_letters().is_empty());
    connector.remove(&world.deployment.userdata).await;
    world.deployment.stop().await;
}

/// Without GTIDs a change is known by its place in the server's files.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_gtids_a_change_has_one_id_as_well() {
    let (Some(brokers), Some(_debezium)) = (Server::Kafka.address(), Server::Debezium.address()) else {
        return;
    };
    let off = ["--gtid-mode=OFF", "--enforce-gtid-consistency=OFF", "--server-id=21"];
    let Some(server) = OwnServer::mysql(&off).await else { return };
    let servers = Servers { userdata: server.address(), notifier: server.address(), brokers };
    let more = [("USER_SERVICE_CAPTURE", "users-table")];
    let world = World::of(Deployment::start_on("no_gtids", servers, &more).await);
    world.relay_is_at_work().await;
    let folder = tempfile::tempdir().unwrap();
    let (brokers, topic) = (world.deployment.brokers.clone(), world.deployment.topic.name().to_owned());
    let connector = Connector::prepare(folder.path(), &world.deployment.userdata, &brokers, &topic).await;
    world.register("eve").await;
    world.register("ada").await;
    connector.start();
    let userdata = &world.deployment.userdata;
    userdata
        .execute_in_one_session(&[
            "UPDATE users SET fullName = CONCAT('Everybody: ', username)",
            "BEGIN",
            "UPDATE users SET fullName = 'One'",
            "UPDATE users SET fullName = 'Two'",
            "COMMIT",
            "SET SESSION binlog_transaction_compression = ON",
            "BEGIN",
            "UPDATE users SET fullName = 'Three'",
            "UPDATE users SET fullName = 'Four'",
            "COMMIT",
            "UPDATE users SET fullName = 'Five'",
        ])
        .await;
    world.live("bob").await;
    world.debezium_saw_the_end_of("bob").await;
    world.get_mails("eve", 7).await;
    world.get_mails("ada", 7).await;
    assert_eq!(world.count_mails().await, 2 * 7 + MAILS_OF_A_LIFE);
    each_change_has_one_id(&world);
    connector.remove(&world.deployment.userdata).await;
    world.deployment.stop().await;
}

/// Whoever told it. A change is known here by the user and by what the row is after it.
fn each_change_has_one_id(world: &World) {
    let mut by_id: BTreeMap<EventId, String> = BTreeMap::new();
    let (mut by_change, mut repeats) = (BTreeMap::new(), 0);
    for record in world.deployment.topic.records() {
        let Some(event) = read_record(&record).unwrap() else { continue };
        let (id, change) = (event.metadata.id, event.change);
        let what = format!(
            "{:?} {:?} {:?} {}",
            event.metadata.event_type, change.before, change.after, change.version
        );
        let first = by_id.entry(id).or_insert_with(|| what.clone());
        assert_eq!(*first, what, "{id:?}");
        let (known, times) = by_change.entry(what.clone()).or_insert((id, 0));
        assert_eq!(*known, id, "{what}");
        *times += 1;
        repeats += usize::from(*times > 1);
    }
    assert!(repeats > 5, "hardly anything was told twice: {repeats}");
}
