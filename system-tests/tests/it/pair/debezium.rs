//! The real Debezium connector, configured as it is shipped, in place of our relay and beside it.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::json;
use system_tests::{Account, Connector, PASSWORD, ReceivedMail, Server, eventually, eventually_some};

use super::deployment::Deployment;

const LIMIT: Duration = Duration::from_secs(60);

/// Of what a life asks for: welcome, account confirmed, name changed, link and warning about a new address, both told
/// of it, password changed, goodbye.
const MAILS_OF_A_LIFE: usize = 9;

async fn expect(request: RequestBuilder, status: StatusCode) {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), status, "{}", answer.text().await.unwrap());
}

/// What somebody gets and does with the mails of a deployment.
struct World {
    deployment: Deployment,
    client: Client,
}

impl World {
    /// The mails about the account of that name, in the order of acceptance.
    async fn mails_about(&self, name: &str) -> Vec<ReceivedMail> {
        let mut mails = self.deployment.sink.mails().await;
        mails.retain(|mail| mail.to.starts_with(&format!("{name}@")));
        mails
    }

    /// Waits for so many mails about that account; no more may come.
    async fn get_mails(&self, name: &str, count: usize) -> Vec<ReceivedMail> {
        let what = format!("{count} mails to {name}");
        eventually(&what, LIMIT, || async { self.mails_about(name).await.len() >= count }).await;
        let mails = self.mails_about(name).await;
        assert_eq!(mails.len(), count, "{name}: {mails:#?}");
        mails
    }

    /// Opens the link that was mailed to that address to confirm it.
    async fn confirm(&self, address: &str) {
        let token = eventually_some(&format!("the link to {address}"), LIMIT, || async {
            let mails = self.deployment.sink.mails().await;
            let token = |mail: &ReceivedMail| {
                let rest = mail.text.split_once("/confirm?token=")?.1;
                rest.split(|after: char| after == '&' || after.is_whitespace()).next().map(str::to_owned)
            };
            mails.iter().filter(|mail| mail.to == address).find_map(token)
        })
        .await;
        let confirmations = format!("{}/confirmations", self.deployment.users.trim_end_matches("/users"));
        expect(self.client.post(confirmations).json(&json!({ "token": token })), StatusCode::OK).await;
    }

    async fn register(&self, name: &str) -> Account {
        let body = json!({ "username": name, "email": format!("{name}@old.example"), "fullName": "First" });
        Account::register(&self.deployment.users, body).await
    }

    /// An account from its registration to its deletion, with every change that Debezium can tell. Returns its mails with
    /// what differs from account to account left out.
    async fn live(&self, name: &str) -> Vec<(String, String, String)> {
        let users = &self.deployment.users;
        let account = self.register(name).await;
        self.confirm(&format!("{name}@old.example")).await;
        expect(account.patch(users, &json!({ "fullName": "Second" })), StatusCode::OK).await;
        let new_address = json!({ "email": format!("{name}@new.example"), "currentPassword": PASSWORD });
        expect(account.patch(users, &new_address), StatusCode::OK).await;
        self.confirm(&format!("{name}@new.example")).await;
        let passwords = json!({ "currentPassword": PASSWORD, "newPassword": "marked-other-secret" });
        expect(account.put_password(users, &passwords), StatusCode::NO_CONTENT).await;
        expect(account.delete(users), StatusCode::NO_CONTENT).await;

        let told = self.get_mails(name, MAILS_OF_A_LIFE).await.into_iter().map(|mail| {
            let is_of_its_time = |line: &&str| line.contains("token=") || line.contains("UTC");
            let text: String = mail.text.lines().filter(|line| !is_of_its_time(line)).collect();
            (mail.to.replace(name, "NAME"), mail.subject.replace(name, "NAME"), text.replace(name, "NAME"))
        });
        let mut told: Vec<_> = told.collect();
        // Only those to one address have an order between them, and it is checked elsewhere.
        told.sort();
        told
    }

    /// Waits until Debezium has captured that the account of that name is gone.
    async fn debezium_saw_the_end_of(&self, name: &str) {
        let deletion = format!("\"username\":\"{name}\"");
        eventually(&format!("the end of {name}"), LIMIT, || async {
            self.deployment.topic.records().iter().any(|record| {
                let text = String::from_utf8_lossy(&record.value);
                record.headers.iter().all(|(header, _)| !header.starts_with("ce_"))
                    && text.contains("\"op\":\"d\"")
                    && text.contains(&deletion)
            })
        })
        .await;
    }

    /// How many records about that account the relay has published.
    fn told_by_the_relay(&self, name: &str) -> usize {
        let about = format!("\"username\":\"{name}\"");
        let records = self.deployment.topic.records();
        let by_relay = records.iter().filter(|record| {
            record.headers.iter().any(|(header, _)| header.starts_with("ce_"))
                && String::from_utf8_lossy(&record.value).contains(&about)
        });
        by_relay.count()
    }

    async fn outbox_is_empty(&self) {
        let outbox = || async { self.deployment.userdata.count("outbox").await == 0 };
        eventually("the outbox is empty", LIMIT, outbox).await;
    }

    async fn count_mails(&self) -> usize {
        self.deployment.all_is_mailed(LIMIT).await;
        self.deployment.sink.count().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn debezium_gives_the_mails_that_the_relay_gives_and_a_switch_mails_nobody_twice() {
    if Server::Debezium.address().is_none() {
        return;
    }
    let Some(deployment) = Deployment::start("debezium").await else { return };
    let mut world = World { deployment, client: Client::new() };
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
    another_program_changes_accounts(&world).await;
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

/// Whoever writes to the table with plain SQL is told of as well, with links that work.
async fn another_program_changes_accounts(world: &World) {
    let userdata = &world.deployment.userdata;
    userdata.execute("UPDATE users SET fullName = 'By SQL' WHERE username = 'eve'").await;
    let mails = world.get_mails("eve", 2).await;
    assert!(mails[1].subject.contains("was changed") && mails[1].text.contains("By SQL"), "{mails:?}");

    let insert = "INSERT INTO users (id, username, email, password) VALUES (UUID_TO_BIN(UUID()), 'gus', 'gus@sql.example', '-')";
    userdata.execute(insert).await;
    world.confirm("gus@sql.example").await;
    world.get_mails("gus", 2).await;
    userdata.execute("DELETE FROM users WHERE username = 'gus'").await;
    let mails = world.get_mails("gus", 3).await;
    assert!(mails[2].subject.ends_with("was deleted"), "{mails:?}");
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
