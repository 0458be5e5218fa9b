//! What probes are told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::mocking::MockCluster;
use serde_json::Value;
use shared_kernel::CDC_TOPIC;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use user_service::composition;
use user_service::config::{BrokerUrl, DatabaseUrl, RelayConfig, UserServiceConfig};
use user_service::data_sources::{SqliteDatabase, SqliteUserRepository};
use user_service::repositories::UserRepository;

use crate::support::api::{Api, config, with_api};
use crate::support::outbox::append;
use crate::support::people::updates_of;
use crate::support::waiting::soon;

/// The status and the text of an answer.
async fn get(base: String, path: &'static str) -> (u16, String) {
    let answer = reqwest::get(base + path).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Waits until that is the answer, and returns why each part is not ready.
async fn until_ready_is(base: String, status: u16) -> BTreeMap<String, String> {
    let what = format!("{status} from {base}");
    let asking = async {
        loop {
            let (found, text) = get(base.clone(), "/health/ready").await;
            let answer: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(answer["ready"], found == 200, "{text}");
            if found == status {
                let parts = answer["parts"].as_array().unwrap().iter().filter(|part| part["ready"] == false);
                let told = |value: &Value| value.as_str().unwrap().to_owned();
                return parts.map(|part| (told(&part["part"]), told(&part["reason"]))).collect();
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    soon(&what, asking).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_is_ready_while_its_database_answers() {
    with_api(async |api: Arc<Api>| {
        assert!(until_ready_is(api.base.clone(), 200).await.is_empty());
        // It publishes nothing itself: that is not its concern.
        append(&api.database.users(), &updates_of(1, 1)).await;
        api.database.execute("DROP TABLE outbox").await;
        let said = until_ready_is(api.base.clone(), 503).await;
        assert_eq!(Vec::from_iter(said.keys()), ["database"], "{said:?}");
        assert_eq!(get(api.base.clone(), "/health/live").await.0, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_is_not_ready_while_changes_are_stuck() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(CDC_TOPIC, 12, 1).unwrap();
    let broker = BrokerUrl::parse(&format!("kafka://{}", cluster.bootstrap_servers())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.db");
    let settings = UserServiceConfig {
        api: Some(config()),
        relay: Some(RelayConfig { stuck_after: Duration::from_secs(1), ..RelayConfig::new(broker) }),
        ..UserServiceConfig::new(DatabaseUrl::Sqlite(file.clone()))
    };
    let database = SqliteDatabase::open(&file).await.unwrap();
    database.migrate().await.unwrap();
    let users: Arc<dyn UserRepository> = Arc::new(SqliteUserRepository::new(database.clone()));

    let service = composition::build(settings).await.unwrap();
    let stop = CancellationToken::new();
    let probes = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let requests = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let [relay, api] =
        [&probes, &requests].map(|listener| format!("http://{}", listener.local_addr().unwrap()));
    let running = {
        let stop = stop.clone();
        tokio::spawn(async move {
            tokio::join!(
                service.relay(stop.clone()),
                service.serve_health(probes, stop.clone()),
                service.serve(requests, stop.clone()),
            )
        })
    };
    for base in [&relay, &api] {
        until_ready_is(base.clone(), 200).await;
    }
    cluster.broker_down(1).unwrap();
    append(&users, &updates_of(1, 1)).await;
    for base in [&relay, &api] {
        let what = "the relay is stuck, and the broker is gone";
        let both = async {
            loop {
                let said = until_ready_is(base.clone(), 503).await;
                if let [Some(relay), Some(_broker)] = ["relay", "broker"].map(|part| said.get(part)) {
                    assert!(relay.contains("the oldest change has not been published for"), "{relay}");
                    assert_eq!(said.len(), 2, "{said:?}");
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        soon(what, both).await;
        let text = get(base.clone(), "/metrics").await.1;
        for part in ["relay", "broker"] {
            let line = format!("inf_user_part_ready{{part=\"{part}\",service=\"user-service\"}} 0");
            assert!(text.contains(&line), "{text}");
        }
    }
    assert_eq!(get(relay.clone(), "/health/live").await, (200, "alive\n".to_owned()));
    assert_eq!(get(relay.clone(), "/users").await.0, 404, "it serves no API");

    cluster.broker_up(1).unwrap();
    for base in [&relay, &api] {
        until_ready_is(base.clone(), 200).await;
    }
    stop.cancel();
    soon("the end", running).await.unwrap();
    database.close().await;
}
