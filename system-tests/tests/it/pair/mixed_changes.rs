//! A thousand changes by fifty users: each that was acknowledged has its mail, each that was refused none.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;
use system_tests::{Account, PASSWORD, ReceivedMail, eventually};

use super::deployment::Deployment;

const SEED: u64 = 7;
const USERS: usize = 50;
const CHANGES_PER_USER: usize = 20;
const LIMIT: Duration = Duration::from_secs(120);

/// What must never leave the database, with marks that a search can find.
const DATE_OF_BIRTH: &str = "1961-04-12";
const POSTAL_ADDRESS: &str = "1 Marked Secret Lane";

/// A mail that must arrive: to whom, and what in it no other change has.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Expected {
    to: String,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// An update: the name that it gave the user. A registration: the username.
    Named(String),
    /// A new address of an unconfirmed account: the link to confirm it.
    Confirm,
    Deleted,
}

impl Expected {
    fn is(&self, mail: &ReceivedMail) -> bool {
        let deletes = mail.subject.ends_with("was deleted");
        let confirms = mail.subject.starts_with("Confirm your");
        let greets = |name| mail.text.contains(&format!("Hello {name},"));
        mail.to == self.to
            && match &self.what {
                What::Named(name) => !deletes && !confirms && greets(name),
                What::Confirm => confirms,
                What::Deleted => deletes,
            }
    }
}

/// One user's life: registered, changed again and again, some of it refused, and every third deleted.
struct Life {
    users: String,
    number: usize,
    random: fastrand::Rng,
    email: String,
    expected: Vec<Expected>,
    refused: usize,
}

impl Life {
    async fn live(mut self) -> (Vec<Expected>, usize) {
        let account = self.register().await;
        for change in 1..CHANGES_PER_USER - 1 {
            match self.random.u8(0..10) {
                0 => self.refused_update(&account).await,
                1 => self.move_address(&account, change).await,
                2 => self.replace(&account, change).await,
                _ => self.patch(&account, change).await,
            }
        }
        self.last_change(&account).await;
        (self.expected, self.refused)
    }

    fn name(&self, change: usize) -> String {
        format!("N{}-{change}", self.number)
    }

    fn expect(&mut self, what: What) {
        self.expected.push(Expected { to: self.email.clone(), what });
    }

    fn expect_named(&mut self, change: usize) {
        self.expect(What::Named(self.name(change)));
    }

    async fn register(&mut self) -> Account {
        let body = json!({
            "username": format!("user{}", self.number), "email": self.email,
            "fullName": self.name(0), "dateOfBirth": DATE_OF_BIRTH, "address": POSTAL_ADDRESS,
        });
        let account = Account::register(&self.users, body).await;
        self.expect(What::Named(format!("user{}", self.number)));
        account
    }

    async fn patch(&mut self, account: &Account, change: usize) {
        let body = json!({ "fullName": self.name(change), "address": format!("{POSTAL_ADDRESS} {change}") });
        let answer = account.patch(&self.users, &body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        self.expect_named(change);
    }

    async fn replace(&mut self, account: &Account, change: usize) {
        let body = json!({
            "username": format!("user{}", self.number), "email": self.email, "fullName": self.name(change),
        });
        let answer = account.put(&self.users, &body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        self.expect_named(change);
    }

    /// The account is not confirmed, so the new address is in force at once, and gets both mails.
    async fn move_address(&mut self, account: &Account, change: usize) {
        self.email = format!("user{}-{change}@example.org", self.number);
        let body = json!({ "fullName": self.name(change), "email": self.email, "currentPassword": PASSWORD });
        let answer = account.patch(&self.users, &body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        self.expect(What::Confirm);
        self.expect_named(change);
    }

    async fn refused_update(&mut self, account: &Account) {
        let (body, status) = match self.random.u8(0..3) {
            0 => (
                json!({ "fullName": "Refused", "dateOfBirth": "1990-02-30" }),
                StatusCode::UNPROCESSABLE_ENTITY,
            ),
            1 => (json!({ "fullName": "Refused", "shoeSize": 43 }), StatusCode::UNPROCESSABLE_ENTITY),
            // The owner of that name was registered before all others and is never renamed.
            _ => (json!({ "fullName": "Refused", "username": "TAKEN" }), StatusCode::CONFLICT),
        };
        let answer = account.patch(&self.users, &body).send().await.unwrap();
        assert_eq!(answer.status(), status, "{body}");
        self.refused += 1;
    }

    async fn last_change(&mut self, account: &Account) {
        if self.number.is_multiple_of(3) {
            assert_eq!(account.delete(&self.users).send().await.unwrap().status(), StatusCode::NO_CONTENT);
            self.expect(What::Deleted);
        } else {
            self.patch(account, CHANGES_PER_USER).await;
        }
    }
}

async fn register_the_owner_of_the_taken_name(users: &str) {
    let body = json!({ "username": "taken", "email": "taken@example.org", "fullName": "Taken" });
    Account::register(users, body).await;
}

/// Each expected mail must be there once, and those to one address in the order of the changes.
fn check_mails(mails: &[ReceivedMail], expected: &[Expected]) {
    let mut last_place: HashMap<&str, usize> = HashMap::new();
    for one in expected {
        let places: Vec<_> = (0..mails.len()).filter(|place| one.is(&mails[*place])).collect();
        let [place] = places[..] else { panic!("{one:?} is at {places:?}") };
        let before = last_place.insert(&one.to, place);
        assert!(before < Some(place), "{one:?} was overtaken by a later change");
    }
    let unexpected: Vec<_> = mails.iter().filter(|mail| !expected.iter().any(|one| one.is(mail))).collect();
    assert!(unexpected.is_empty(), "mails that nothing acknowledged asked for: {unexpected:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_change_has_its_mail_in_order_and_a_refused_one_none() {
    let Some(deployment) = Deployment::start("mixed_changes").await else { return };
    register_the_owner_of_the_taken_name(&deployment.users).await;
    let mut random = fastrand::Rng::with_seed(SEED);
    let lives: Vec<_> = (0..USERS)
        .map(|number| Life {
            users: deployment.users.clone(),
            number,
            random: random.fork(),
            email: format!("user{number}@example.org"),
            expected: Vec::new(),
            refused: 0,
        })
        .map(|life| tokio::spawn(life.live()))
        .collect();
    let (mut expected, mut refused) = (Vec::new(), 0);
    for life in lives {
        let (acknowledged, times_refused) = life.await.unwrap();
        expected.extend(acknowledged);
        refused += times_refused;
    }
    // A new address asks for a mail of its own beside that of its change.
    let changes = expected.iter().filter(|one| !matches!(one.what, What::Confirm)).count();
    assert_eq!(changes + refused, USERS * CHANGES_PER_USER);
    assert!(refused > 20, "the seed has refusals in it: {refused}");

    let all = expected.len() + 1;
    eventually("every mail arrives", LIMIT, || async { deployment.sink.count().await >= all }).await;
    eventually("the outbox is empty", LIMIT, || async { deployment.userdata.count("outbox").await == 0 })
        .await;
    eventually("nothing is queued", LIMIT, || async {
        deployment.notifier.count("notifications WHERE state = 'queued'").await == 0
    })
    .await;

    expected.push(Expected { to: "taken@example.org".into(), what: What::Named("taken".into()) });
    check_mails(&deployment.sink.mails().await, &expected);

    nothing_secret_is_on_the_topic(&deployment, changes + 1);
    deployment.stop().await;
}

fn nothing_secret_is_on_the_topic(deployment: &Deployment, at_least: usize) {
    let records = deployment.topic.records();
    assert!(records.len() >= at_least, "the whole run is on the topic: {}", records.len());
    let found = |text: &str| {
        records.iter().any(|record| {
            let headers = record.headers.iter().map(|(_, value)| value);
            headers
                .chain([&record.key, &record.value])
                .any(|part| String::from_utf8_lossy(part).contains(text))
        })
    };
    assert!(found("user7@example.org"), "the search finds what is there");
    for secret in [PASSWORD, "argon2", DATE_OF_BIRTH, POSTAL_ADDRESS] {
        assert!(!found(secret), "{secret:?} is on the topic");
    }
    assert!(found("\"address\""), "that an address changed is told by the name of the field");
    assert!(deployment.topic.dead_letters().is_empty());
}
