//! What the pair tells about itself: metrics as the dashboard and the alerts use them, and what is not ready and why.

mod promtool;
mod queries;
mod scrape;

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::Connection as _;
use sqlx::mysql::MySqlConnection;
use system_tests::{Account, OwnServer, Server, eventually};

use self::promtool::Promtool;
use self::scrape::Scrape;
use super::deployment::{Deployment, Servers};

/// A process looks every two seconds, and is stuck after three here.
const LIMIT: Duration = Duration::from_secs(60);

const SETTINGS: [(&str, &str); 4] = [
    ("USER_SERVICE_HEALTH_LISTEN", "127.0.0.1:0"),
    ("NOTIFIER_HEALTH_LISTEN", "127.0.0.1:0"),
    ("USER_SERVICE_STUCK_AFTER_SECONDS", "3"),
    ("NOTIFIER_STUCK_AFTER_SECONDS", "3"),
];

/// The job of each process in `prometheus.yml`, and the command.
const JOBS: [(&str, &str); 3] = [("user-service", "serve"), ("relay", "relay"), ("notifier-service", "run")];

impl Deployment {
    async fn scrape(&self, command: &str) -> Scrape {
        let job = JOBS.iter().find(|(_, of)| *of == command).unwrap().0;
        let url = format!("{}/metrics", self.probes_of(command).await);
        Scrape::of(job, reqwest::get(url).await.unwrap().text().await.unwrap())
    }

    /// Why that part of the process does not work; `None` when it does.
    async fn obstacle(&self, command: &str, part: &str) -> Option<String> {
        let answer = reqwest::get(format!("{}/health/ready", self.probes_of(command).await)).await.unwrap();
        let is_ready = answer.status() == StatusCode::OK;
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["ready"], is_ready, "{answer}");
        let parts = answer["parts"].as_array().unwrap();
        let part = parts.iter().find(|found| found["part"] == part).unwrap_or_else(|| panic!("{answer}"));
        part["reason"].as_str().map(str::to_owned)
    }

    async fn until_works(&self, command: &str, part: &str) {
        eventually(&format!("{part} of {command} works"), LIMIT, || async {
            self.obstacle(command, part).await.is_none()
        })
        .await;
    }

    /// Waits until that part of the process does not work for a reason with these words, by its metrics as well: the
    /// alert fires on them.
    async fn until_stuck(
        &self,
        promtool: &Promtool,
        (command, part): (&str, &str),
        words: &str,
        alert: &str,
    ) {
        eventually(&format!("{part} of {command} does not work: {words}"), LIMIT, || async {
            self.obstacle(command, part).await.is_some_and(|reason| reason.contains(words))
        })
        .await;
        let scraped = self.scrape(command).await;
        assert!(promtool.fires(alert, &scraped), "{alert} on {scraped:?}");
        // Whatever else is wrong, a process that runs is alive.
        let alive = reqwest::get(format!("{}/health/live", self.probes_of(command).await)).await.unwrap();
        assert_eq!(alive.status(), StatusCode::OK);
    }

    async fn register(&self, name: &str) {
        let body = json!({ "username": name, "email": format!("{name}@example.org") });
        Account::register(&self.users, body).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_of_the_metrics_is_told_and_a_stuck_relay_says_why() {
    let Some(mut deployment) = Deployment::start_with("observed", &SETTINGS).await else { return };
    let promtool = Promtool::find();
    for (command, part) in [("serve", "database"), ("relay", "relay"), ("run", "broker"), ("run", "delivery")]
    {
        deployment.until_works(command, part).await;
    }
    for name in ["ada", "ben", "cleo"] {
        deployment.register(name).await;
    }
    deployment.all_is_mailed(LIMIT).await;

    everything_asked_for_is_told(&deployment, &promtool).await;
    a_poisoned_row(&deployment, &promtool).await;
    somebody_elses_lock(&mut deployment, &promtool).await;
    deployment.all_is_mailed(LIMIT).await;
    deployment.stop().await;
}

/// By the pair together: every metric that the dashboard's and the alerts' queries name.
async fn everything_asked_for_is_told(deployment: &Deployment, promtool: &Promtool) {
    let asked = queries::metrics_asked_for();
    assert!(asked.len() > 20, "{asked:?}");
    // How far it is, the consumer learns now and then.
    eventually("all is told", LIMIT, || async {
        let mut told = Vec::new();
        for (_, command) in JOBS {
            told.extend(deployment.scrape(command).await.names());
        }
        let missing: Vec<_> = asked.iter().filter(|name| !told.contains(*name)).collect();
        if !missing.is_empty() {
            println!("not told yet: {missing:?}");
        }
        missing.is_empty()
    })
    .await;
    let mut scrapes = Vec::new();
    for (_, command) in JOBS {
        let scraped = deployment.scrape(command).await;
        promtool.check_metrics(&scraped);
        for alert in
            ["InfUserRelayStuck", "InfUserBrokerUnreachable", "InfUserChangesBuried", "InfUserNoActiveRelay"]
        {
            assert!(!promtool.fires(alert, &scraped), "{alert} on {scraped:?}");
        }
        scrapes.push(scraped);
    }
    let sent = deployment.sink.count().await;
    let accepted = scrapes[2].value("notifier_commit_to_acceptance_seconds_count");
    assert_eq!(accepted, Some(f64::from(u32::try_from(sent).unwrap())), "{sent} mails");
    assert_eq!(scrapes[1].value("user_service_relay_active"), Some(1.0));
    assert!(scrapes[1].value("user_service_events_published_total") >= Some(3.0));
    let api = reqwest::get(format!("{}/metrics", deployment.users.trim_end_matches("/users"))).await.unwrap();
    assert_eq!(api.status(), StatusCode::NOT_FOUND, "metrics have an address of their own here");
}

/// One that can neither be published nor set aside.
async fn a_poisoned_row(deployment: &Deployment, promtool: &Promtool) {
    let userdata = &deployment.userdata;
    userdata.execute("RENAME TABLE deadOutbox TO elsewhere").await;
    userdata
        .execute(
            "INSERT INTO outbox (id, userId, eventType, occurredAt, payload) \
             VALUES (RANDOM_BYTES(16), RANDOM_BYTES(16), 'no-such-event', UTC_TIMESTAMP(6), '{}')",
        )
        .await;
    deployment.until_stuck(promtool, ("relay", "relay"), "deadOutbox", "InfUserRelayStuck").await;
    userdata.execute("RENAME TABLE elsewhere TO deadOutbox").await;
    deployment.until_works("relay", "relay").await;
    // It is looked at every five seconds.
    eventually("what was set aside is told", LIMIT, || async {
        deployment.scrape("relay").await.value("user_service_dead_changes") == Some(1.0)
    })
    .await;
    assert!(promtool.fires("InfUserChangesBuried", &deployment.scrape("relay").await));
}

/// A session that has the relay's lock and relays nothing.
async fn somebody_elses_lock(deployment: &mut Deployment, promtool: &Promtool) {
    deployment.stop_command("relay").await;
    let mut holder = MySqlConnection::connect(deployment.userdata.url()).await.unwrap();
    let lock = "SELECT GET_LOCK(CONCAT('relay.', LEFT(SHA2(DATABASE(), 256), 32)), 60)";
    assert_eq!(sqlx::query_scalar::<_, i64>(lock).fetch_one(&mut holder).await.unwrap(), 1);
    deployment.start_relay().await;
    // It waits, and as long as there is nothing to be done, nothing is wrong with that.
    deployment.until_works("relay", "relay").await;
    deployment.register("dora").await;
    let words = "another relay holds the lock";
    deployment.until_stuck(promtool, ("relay", "relay"), words, "InfUserRelayStuck").await;
    assert!(promtool.fires("InfUserNoActiveRelay", &deployment.scrape("relay").await));
    holder.close().await.unwrap();
    deployment.until_works("relay", "relay").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_paused_makes_both_sides_unready_until_it_goes_on() {
    let (Some(mysql), Some(kafka)) = (Server::MySql.address(), OwnServer::kafka().await) else { return };
    let servers = Servers { userdata: mysql.clone(), notifier: mysql, brokers: kafka.address() };
    let deployment = Deployment::start_on("paused", servers, &SETTINGS).await;
    let promtool = Promtool::find();
    deployment.register("ada").await;
    deployment.all_is_mailed(LIMIT).await;
    for command in ["relay", "run"] {
        deployment.until_works(command, "broker").await;
    }

    kafka.freeze();
    deployment.register("ben").await;
    let words = "the oldest change has not been published for";
    deployment.until_stuck(&promtool, ("relay", "relay"), words, "InfUserRelayStuck").await;
    for command in ["relay", "run"] {
        deployment.until_stuck(&promtool, (command, "broker"), "", "InfUserBrokerUnreachable").await;
    }
    assert_eq!(deployment.obstacle("serve", "database").await, None, "the API goes on");

    kafka.thaw();
    for (command, part) in [("relay", "relay"), ("relay", "broker"), ("run", "broker")] {
        deployment.until_works(command, part).await;
    }
    deployment.all_is_mailed(LIMIT).await;
    deployment.stop().await;
}
