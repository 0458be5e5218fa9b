//! This version beside a newer one, on one database and one topic. What a newer one does to them is done by the test: migrations that
//! expand the tables, and events that this build knows nothing of.

use reqwest::StatusCode;
use serde_json::{Value, json};
use system_tests::{eventually, run_to_end};

use super::deployment::Deployment;
use super::world::{LIMIT, World, expect};

const RENAMED: &str = "inf-user.user.renamed.v2";

/// What a newer `migrate` leaves: columns that this build does not know, and its note of that.
async fn migrated_by_a_newer_version(deployment: &Deployment) {
    let applied = |table: &str| {
        format!(
            "INSERT INTO {table} (version, description, success, checksum, execution_time) VALUES (9001, 'newer', TRUE, x'00', 0)"
        )
    };
    for statement in [
        "ALTER TABLE users ADD COLUMN nickname VARCHAR(255) NULL AFTER username",
        "ALTER TABLE outbox ADD COLUMN region VARCHAR(20) NOT NULL DEFAULT 'here' AFTER id",
        &applied("user_migrations"),
    ] {
        deployment.userdata.execute(statement).await;
    }
    for statement in [
        "ALTER TABLE notifications ADD COLUMN campaign VARCHAR(20) NULL AFTER id",
        &applied("notifier_migrations"),
    ] {
        deployment.notifier.execute(statement).await;
    }
}

/// Events that a newer user-service writes about ada: one of a type that is new, and one of a known type with a field
/// that is new. Both from an event that this build has written, before `before`.
async fn written_by_a_newer_version(deployment: &Deployment, known: &Value) {
    let mut additive = known.clone();
    additive["after"]["nickname"] = "Countess".into();
    let new = json!({ "op": "u", "to": { "nickname": "Countess" } });
    for (event_type, payload) in [(RENAMED, new), ("inf-user.user.updated.v1", additive)] {
        let insert = format!(
            "INSERT INTO outbox (id, userId, eventType, occurredAt, payload) \
             SELECT UUID_TO_BIN(UUID()), id, '{event_type}', UTC_TIMESTAMP(6), '{payload}' FROM users WHERE username = 'ada'"
        );
        deployment.userdata.execute(&insert).await;
    }
}

#[tokio::test]
async fn an_older_version_works_beside_a_newer_one_and_loses_nothing_of_it() {
    let Some(deployment) = Deployment::start("rolling_upgrade").await else { return };
    let mut world = World::of(deployment);
    let ada = world.register("ada").await;
    world.confirm("ada@old.example").await;
    world.get_mails("ada", 2).await;

    migrated_by_a_newer_version(&world.deployment).await;
    // What runs goes on, what is started again starts, and what migrates changes nothing.
    let users = world.deployment.users.clone();
    expect(ada.patch(&users, &json!({ "fullName": "Second" })), StatusCode::OK).await;
    world.get_mails("ada", 3).await;
    for _process in 0..3 {
        world.deployment.kill_and_restart_the_oldest().await;
    }
    for program in ["user-service", "notifier-service"] {
        run_to_end(program, "migrate", &world.deployment.variables());
    }
    let users = world.deployment.users.clone();
    expect(ada.patch(&users, &json!({ "fullName": "Third" })), StatusCode::OK).await;
    world.get_mails("ada", 4).await;

    let records = world.deployment.topic.records();
    let known: Value = serde_json::from_slice(&records.last().unwrap().value).unwrap();
    written_by_a_newer_version(&world.deployment, &known).await;
    expect(ada.patch(&users, &json!({ "fullName": "Fourth" })), StatusCode::OK).await;

    // The relay has carried all of it, in order, and as it was written.
    world.outbox_is_empty().await;
    assert_eq!(world.deployment.userdata.count("deadOutbox").await, 0);
    let records = world.deployment.topic.records();
    let [.., renamed, additive, last] = &records[..] else { panic!("{records:?}") };
    let value = |record: &shared_kernel::WireRecord| serde_json::from_slice::<Value>(&record.value).unwrap();
    let header = |record: &shared_kernel::WireRecord, name: &str| {
        let value = record.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone());
        String::from_utf8(value.unwrap_or_default()).unwrap()
    };
    assert_eq!(
        (header(renamed, "ce_type").as_str(), header(renamed, "ce_subject")),
        (RENAMED, ada.id.clone())
    );
    assert_eq!(value(renamed)["to"]["nickname"], "Countess");
    assert_eq!(value(additive)["after"]["nickname"], "Countess");
    assert_eq!(value(last)["after"]["fullName"], "Fourth");
    assert!([renamed, additive].iter().all(|record| record.key == last.key), "{records:?}");

    // The notifier mails what it understands, and sets the rest aside for a newer one.
    world.get_mails("ada", 6).await;
    let topic = &world.deployment.topic;
    eventually("the dead letter", LIMIT, || async { topic.dead_letters().len() == 1 }).await;
    let letters = topic.dead_letters();
    assert_eq!(header(&letters[0], "ce_type"), RENAMED);
    world.deployment.stop().await;
}
