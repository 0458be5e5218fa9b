//! A record that nobody can read goes to the dead letters, and those behind it get their mail.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::json;
use shared_kernel::{CDC_PARTITIONS, dead_letter_header};
use system_tests::{Account, eventually};

use super::deployment::Deployment;

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undecodable_record_is_set_aside_and_the_consumer_goes_on() {
    let Some(deployment) = Deployment::start("undecodable").await else { return };
    let producer: FutureProducer =
        ClientConfig::new().set("bootstrap.servers", &deployment.brokers).create().unwrap();
    // One on each partition, so that whichever the user's events are on has one before them.
    for partition in 0..CDC_PARTITIONS as i32 {
        let record =
            FutureRecord::to(deployment.topic.name()).partition(partition).key("k").payload("not an event");
        producer.send(record, LIMIT).await.unwrap();
    }
    Account::register(&deployment.users, json!({ "username": "ada", "email": "ada@example.org" })).await;

    eventually("the mail arrives", LIMIT, || async { deployment.sink.count().await == 1 }).await;
    let all = CDC_PARTITIONS as usize;
    eventually("all are set aside", LIMIT, || async { deployment.topic.dead_letters().len() == all }).await;
    let letters = deployment.topic.dead_letters();
    let header = |name: &str| {
        let value = letters[0].headers.iter().find(|(candidate, _)| candidate == name).unwrap();
        String::from_utf8(value.1.clone()).unwrap()
    };
    assert_eq!(letters[0].value, b"not an event");
    assert!(
        header(dead_letter_header::REASON).contains("ce_specversion"),
        "{}",
        header(dead_letter_header::REASON)
    );
    assert_eq!(header(dead_letter_header::TOPIC), deployment.topic.name());
    assert_eq!(header(dead_letter_header::OFFSET), "0");
    assert!(header(dead_letter_header::PARTITION).parse::<u32>().unwrap() < CDC_PARTITIONS);
    deployment.stop().await;
}
