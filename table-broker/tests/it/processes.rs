//! Handles that share nothing but the file.

use std::time::Duration;

use table_broker::TableBroker;

use crate::support::{Fixture, TOPIC, append_numbered, counts, patient, read, settle, texts};

#[tokio::test]
async fn another_process_reads_what_is_appended_here() {
    let fixture = Fixture::with_partitions(1).await;
    let other = fixture.another_process().await;
    let mut consumer = other.consumer("readers", TOPIC, patient());
    consumer.poll(0, Duration::ZERO).await.unwrap();
    let (records, _) = tokio::join!(read(&mut consumer, 1), fixture.append_numbered(1));
    assert_eq!(texts(&records), ["0"]);
    consumer.commit(&records).await.unwrap();
    assert_eq!(fixture.broker.lag("readers", TOPIC).await.unwrap(), 0);
}

#[tokio::test]
async fn members_in_two_processes_share_a_group() {
    let fixture = Fixture::with_partitions(4).await;
    let other = fixture.another_process().await;
    let mut here = fixture.consumer();
    let mut there = other.consumer("readers", TOPIC, patient());
    settle(&mut [&mut here, &mut there], counts([2, 2])).await;
    there.close().await.unwrap();
    settle(&mut [&mut here], counts([4])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_write_at_the_same_time_do_not_fail() {
    let fixture = Fixture::with_partitions(2).await;
    let mut tasks = tokio::task::JoinSet::new();
    for process in 0..3 {
        let broker = fixture.another_process().await;
        tasks.spawn(async move {
            let mut consumer = broker.consumer(&format!("group-{process}"), TOPIC, patient());
            let mut uncommitted = vec![];
            for round in 0..20 {
                append_numbered(&broker, round * 10, 10).await;
                uncommitted.extend(consumer.poll(100, Duration::ZERO).await.unwrap());
                consumer.commit(&uncommitted).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(fixture.broker.lag("nobody", TOPIC).await.unwrap(), 600);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_together_create_the_file_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("broker.db");
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let path = path.clone();
        tasks.spawn(async move {
            let broker = TableBroker::open_sqlite(&path).await.unwrap();
            broker.create_topic(TOPIC, 3).await.unwrap();
            append_numbered(&broker, 0, 1).await;
        });
    }
    tasks.join_all().await;
    let broker = TableBroker::open_sqlite(&path).await.unwrap();
    assert_eq!(broker.lag("nobody", TOPIC).await.unwrap(), 8);
}

#[tokio::test]
async fn records_and_offsets_survive_a_restart() {
    let fixture = Fixture::with_partitions(1).await;
    fixture.append_numbered(5).await;
    let mut consumer = fixture.consumer();
    let records = read(&mut consumer, 3).await;
    consumer.commit(&records).await.unwrap();
    consumer.close().await.unwrap();
    fixture.broker.close().await;

    let broker = fixture.another_process().await;
    let mut consumer = broker.consumer("readers", TOPIC, patient());
    assert_eq!(texts(&read(&mut consumer, 2).await), ["3", "4"]);
}

#[tokio::test]
async fn a_file_that_can_not_be_opened_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("broker.db");
    std::fs::write(&path, "this is no database, and long enough for SQLite to look at it".repeat(20))
        .unwrap();
    let error = TableBroker::open_sqlite(&path).await.unwrap_err();
    assert!(error.to_string().contains("broker.db"), "{error}");
    assert!(!error.is_retryable(), "{error:?}");
}
