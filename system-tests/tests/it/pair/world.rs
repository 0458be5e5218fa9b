//! What people do with the mails of a deployment, and what a topic tells of them.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::json;
use system_tests::{Account, PASSWORD, ReceivedMail, eventually, eventually_some};

use super::deployment::Deployment;

pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// Of what a life asks for: welcome, account confirmed, name changed, link and warning about a new address, both told
/// of it, password changed, goodbye.
pub(super) const MAILS_OF_A_LIFE: usize = 9;

pub(super) async fn expect(request: RequestBuilder, status: StatusCode) {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), status, "{}", answer.text().await.unwrap());
}

/// What somebody gets and does with the mails of a deployment.
pub(super) struct World {
    pub(super) deployment: Deployment,
    pub(super) client: Client,
}

impl World {
    pub(super) fn of(deployment: Deployment) -> Self {
        Self { deployment, client: Client::new() }
    }

    /// Lets the relay capture so from now on.
    pub(super) async fn relay_captures(&mut self, capture: &str) {
        self.deployment.stop_command("relay").await;
        self.deployment.set("USER_SERVICE_CAPTURE", capture);
        self.deployment.start_relay().await;
        self.relay_is_at_work().await;
    }

    /// Waits until the relay follows the log: what another program did before its very first start it does not tell.
    pub(super) async fn relay_is_at_work(&self) {
        self.deployment.process("relay").logged("following the binary log", LIMIT).await;
    }

    /// The mails about the account of that name, in the order of acceptance.
    async fn mails_about(&self, name: &str) -> Vec<ReceivedMail> {
        let mut mails = self.deployment.sink.mails().await;
        mails.retain(|mail| mail.to.starts_with(&format!("{name}@")));
        mails
    }

    /// Waits for so many mails about that account; no more may come.
    pub(super) async fn get_mails(&self, name: &str, count: usize) -> Vec<ReceivedMail> {
        let what = format!("{count} mails to {name}");
        eventually(&what, LIMIT, || async { self.mails_about(name).await.len() >= count }).await;
        let mails = self.mails_about(name).await;
        assert_eq!(mails.len(), count, "{name}: {mails:#?}");
        mails
    }

    /// Opens the link that was mailed to that address to confirm it.
    pub(super) async fn confirm(&self, address: &str) {
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

    pub(super) async fn register(&self, name: &str) -> Account {
        let body = json!({ "username": name, "email": format!("{name}@old.example"), "fullName": "First" });
        Account::register(&self.deployment.users, body).await
    }

    /// An account from its registration to its deletion, with every change that Debezium can tell. Returns its mails with
    /// what differs from account to account left out.
    pub(super) async fn live(&self, name: &str) -> Vec<(String, String, String)> {
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
    pub(super) async fn debezium_saw_the_end_of(&self, name: &str) {
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
    pub(super) fn told_by_the_relay(&self, name: &str) -> usize {
        let about = format!("\"username\":\"{name}\"");
        let records = self.deployment.topic.records();
        let by_relay = records.iter().filter(|record| {
            record.headers.iter().any(|(header, _)| header.starts_with("ce_"))
                && String::from_utf8_lossy(&record.value).contains(&about)
        });
        by_relay.count()
    }

    pub(super) async fn outbox_is_empty(&self) {
        let outbox = || async { self.deployment.userdata.count("outbox").await == 0 };
        eventually("the outbox is empty", LIMIT, outbox).await;
    }

    pub(super) async fn count_mails(&self) -> usize {
        self.deployment.all_is_mailed(LIMIT).await;
        self.deployment.sink.count().await
    }

    /// Whoever writes to the table with plain SQL is told of as well, with links that work: eve, who has had one mail,
    /// and gus.
    pub(super) async fn another_program_changes_accounts(&self) {
        let userdata = &self.deployment.userdata;
        userdata.execute("UPDATE users SET fullName = 'By SQL' WHERE username = 'eve'").await;
        let mails = self.get_mails("eve", 2).await;
        assert!(mails[1].subject.contains("was changed") && mails[1].text.contains("By SQL"), "{mails:?}");

        let insert = "INSERT INTO users (id, username, email, password) VALUES (UUID_TO_BIN(UUID()), 'gus', 'gus@sql.example', '-')";
        userdata.execute(insert).await;
        self.confirm("gus@sql.example").await;
        self.get_mails("gus", 2).await;
        userdata.execute("DELETE FROM users WHERE username = 'gus'").await;
        let mails = self.get_mails("gus", 3).await;
        assert!(mails[2].subject.ends_with("was deleted"), "{mails:?}");
    }
}
