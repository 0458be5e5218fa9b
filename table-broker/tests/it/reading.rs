//! One consumer: waiting, committing, resuming, rewinding, lag.

use std::collections::BTreeSet;
use std::time::Duration;

use table_broker::{BrokerError, ConsumerOptions, StartAt};
use tokio::time::Instant;

use crate::support::{DEADLINE, Fixture, TOPIC, append_numbered, hasty, patient, read, text, texts};

#[tokio::test]
async fn a_lone_consumer_reads_every_partition_in_order() {
    let fixture = Fixture::with_partitions(4).await;
    fixture.append_numbered(200).await;
    let mut consumer = fixture.consumer();
    let records = read(&mut consumer, 200).await;
    assert_eq!(consumer.assigned(), [0, 1, 2, 3]);
    for partition in 0..4 {
        let of_partition: Vec<_> =
            records.iter().filter(|record| record.place.partition == partition).cloned().collect();
        assert_eq!(of_partition, fixture.broker.records(TOPIC, partition, 0, 1000).await.unwrap());
    }
    assert!(consumer.poll(10, Duration::ZERO).await.unwrap().is_empty(), "nothing comes twice");
}

#[tokio::test]
async fn a_poll_returns_no_more_than_asked_and_partitions_take_turns() {
    let fixture = Fixture::with_partitions(3).await;
    fixture.append_numbered(90).await;
    let mut consumer = fixture.consumer();
    let mut first = vec![];
    for _ in 0..3 {
        let records = consumer.poll(5, Duration::ZERO).await.unwrap();
        assert_eq!(records.len(), 5);
        first.push(records[0].place.partition);
    }
    assert_eq!(first, [0, 1, 2]);
}

#[tokio::test]
async fn an_append_wakes_a_waiting_poll() {
    let fixture = Fixture::with_partitions(2).await;
    let options = ConsumerOptions { poll_interval: DEADLINE, ..patient() };
    let mut consumer = fixture.broker.consumer("readers", TOPIC, options);
    consumer.poll(0, Duration::ZERO).await.unwrap();
    let started = Instant::now();
    let (records, _) = tokio::join!(consumer.poll(10, DEADLINE), fixture.append_numbered(1));
    assert_eq!(texts(&records.unwrap()), ["0"]);
    assert!(started.elapsed() < DEADLINE / 2, "it waited for {:?}", started.elapsed());
}

#[tokio::test]
async fn a_poll_without_records_ends_after_its_wait() {
    let fixture = Fixture::with_partitions(2).await;
    let mut consumer = fixture.consumer();
    let wait = Duration::from_millis(250);
    let started = Instant::now();
    assert!(consumer.poll(10, wait).await.unwrap().is_empty());
    assert!(started.elapsed() >= wait);
}

#[tokio::test]
async fn a_group_resumes_from_what_it_has_committed() {
    let fixture = Fixture::with_partitions(1).await;
    fixture.append_numbered(10).await;
    let mut consumer = fixture.consumer();
    let records = read(&mut consumer, 6).await;
    consumer.commit(&records[..4]).await.unwrap();
    consumer.close().await.unwrap();

    let mut next = fixture.consumer();
    assert_eq!(texts(&read(&mut next, 6).await), ["4", "5", "6", "7", "8", "9"]);
}

#[tokio::test]
async fn records_come_again_after_a_crash_before_the_commit() {
    let fixture = Fixture::with_partitions(2).await;
    fixture.append_numbered(10).await;
    let mut crashing = fixture.broker.consumer("readers", TOPIC, hasty());
    let before = read(&mut crashing, 10).await;
    drop(crashing);

    let mut next = fixture.consumer();
    let after = read(&mut next, 10).await;
    let values = |records: &[_]| records.iter().map(text).collect::<BTreeSet<_>>();
    assert_eq!(values(&after), values(&before));
}

#[tokio::test]
async fn groups_do_not_disturb_each_other() {
    let fixture = Fixture::with_partitions(2).await;
    fixture.append_numbered(10).await;
    for group in ["one", "two"] {
        let mut consumer = fixture.broker.consumer(group, TOPIC, patient());
        let records = read(&mut consumer, 10).await;
        consumer.commit(&records).await.unwrap();
    }
}

#[tokio::test]
async fn a_group_that_starts_at_the_end_reads_what_is_appended_after_it_joined() {
    let fixture = Fixture::with_partitions(3).await;
    fixture.append_numbered(10).await;
    let options = ConsumerOptions { start: StartAt::End, ..patient() };
    let mut consumer = fixture.broker.consumer("readers", TOPIC, options.clone());
    assert!(consumer.poll(10, Duration::ZERO).await.unwrap().is_empty());
    assert_eq!(fixture.broker.lag("readers", TOPIC).await.unwrap(), 0);
    append_numbered(&fixture.broker, 10, 3).await;
    let read_first: BTreeSet<_> = texts(&read(&mut consumer, 3).await).into_iter().collect();
    assert_eq!(read_first, ["10", "11", "12"].map(str::to_owned).into());

    // The end isn't looked for again: what the first member did not commit, the next one reads.
    consumer.close().await.unwrap();
    let mut next = fixture.broker.consumer("readers", TOPIC, options);
    assert_eq!(read(&mut next, 3).await.len(), 3);
}

#[tokio::test]
async fn rewinding_reads_again_from_the_committed_offsets() {
    let fixture = Fixture::with_partitions(1).await;
    fixture.append_numbered(8).await;
    let mut consumer = fixture.consumer();
    let records = read(&mut consumer, 6).await;
    consumer.commit(&records[..2]).await.unwrap();
    consumer.rewind();
    assert_eq!(texts(&read(&mut consumer, 6).await), ["2", "3", "4", "5", "6", "7"]);

    consumer.rewind();
    consumer.commit(&records).await.expect("what was read before can still be committed");
    assert_eq!(texts(&read(&mut consumer, 2).await), ["6", "7"]);
}

#[tokio::test]
async fn a_commit_never_goes_back() {
    let fixture = Fixture::with_partitions(1).await;
    fixture.append_numbered(5).await;
    let mut consumer = fixture.consumer();
    let records = read(&mut consumer, 5).await;
    consumer.commit(&records).await.unwrap();
    consumer.commit(&records[..2]).await.unwrap();
    assert_eq!(fixture.broker.lag("readers", TOPIC).await.unwrap(), 0);
}

#[tokio::test]
async fn records_that_were_not_polled_can_not_be_committed() {
    let fixture = Fixture::with_partitions(1).await;
    fixture.append_numbered(5).await;
    let records = fixture.broker.records(TOPIC, 0, 0, 5).await.unwrap();
    let mut consumer = fixture.consumer();
    let fenced = |result| matches!(result, Err(BrokerError::Fenced { partition: 0 }));
    assert!(fenced(consumer.commit(&records).await), "before joining");
    read(&mut consumer, 2).await;
    assert!(fenced(consumer.commit(&records).await), "beyond what was read");
    assert_eq!(fixture.broker.lag("readers", TOPIC).await.unwrap(), 5);
}

#[tokio::test]
async fn lag_counts_what_the_group_has_not_committed() {
    let fixture = Fixture::with_partitions(3).await;
    let lag = async || fixture.broker.lag("readers", TOPIC).await.unwrap();
    assert_eq!(lag().await, 0);
    fixture.append_numbered(10).await;
    assert_eq!(lag().await, 10);
    let mut consumer = fixture.consumer();
    let records = read(&mut consumer, 10).await;
    assert_eq!(lag().await, 10, "reading alone changes nothing");
    consumer.commit(&records[..1]).await.unwrap();
    assert_eq!(lag().await, 9);
    consumer.commit(&records).await.unwrap();
    consumer.commit(&[]).await.unwrap();
    assert_eq!(lag().await, 0);
}
