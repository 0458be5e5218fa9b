//! Deleting old records.

use std::time::Duration;

use crate::support::{Fixture, TOPIC, append_numbered, numbered, read, texts};

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn only_records_of_that_age_are_deleted() {
    let fixture = Fixture::with_partitions(3).await;
    fixture.append_numbered(30).await;
    assert_eq!(fixture.broker.delete_before(TOPIC, DAY, 100).await.unwrap(), 0);
    assert_eq!(fixture.broker.delete_before(TOPIC, Duration::ZERO, 100).await.unwrap(), 30);
    assert_eq!(fixture.broker.lag("nobody", TOPIC).await.unwrap(), 0);
}

#[tokio::test]
async fn batches_are_bounded_and_delete_the_oldest_first() {
    let fixture = Fixture::with_partitions(1).await;
    fixture.append_numbered(10).await;
    let mut deleted = vec![];
    for _ in 0..4 {
        deleted.push(fixture.broker.delete_before(TOPIC, Duration::ZERO, 4).await.unwrap());
        if deleted.len() == 1 {
            assert_eq!(fixture.broker.records(TOPIC, 0, 0, 1).await.unwrap()[0].place.offset, 4);
        }
    }
    assert_eq!(deleted, [4, 4, 2, 0]);
}

#[tokio::test]
async fn offsets_go_on_after_everything_was_deleted() {
    let fixture = Fixture::with_partitions(1).await;
    fixture.append_numbered(5).await;
    fixture.broker.delete_before(TOPIC, Duration::ZERO, 100).await.unwrap();
    let places = fixture.broker.append(TOPIC, &[numbered(5)]).await.unwrap();
    assert_eq!(places[0].offset, 5);
}

#[tokio::test]
async fn a_consumer_goes_on_with_what_is_left() {
    let fixture = Fixture::with_partitions(1).await;
    fixture.append_numbered(6).await;
    let mut consumer = fixture.consumer();
    let first = read(&mut consumer, 2).await;
    // Of what it has read, has not committed and has not read yet.
    fixture.broker.delete_before(TOPIC, Duration::ZERO, 4).await.unwrap();
    consumer.commit(&first).await.expect("deleted records can be committed");
    assert_eq!(fixture.broker.lag("readers", TOPIC).await.unwrap(), 2);
    let rest = read(&mut consumer, 2).await;
    assert_eq!(texts(&rest), ["4", "5"]);
    consumer.commit(&rest).await.unwrap();
    fixture.broker.delete_before(TOPIC, Duration::ZERO, 100).await.unwrap();
    assert!(consumer.poll(10, Duration::ZERO).await.unwrap().is_empty());

    append_numbered(&fixture.broker, 6, 1).await;
    assert_eq!(texts(&read(&mut consumer, 1).await), ["6"]);
}

#[tokio::test]
async fn a_new_group_starts_with_the_oldest_record_that_is_left() {
    let fixture = Fixture::with_partitions(1).await;
    fixture.append_numbered(6).await;
    fixture.broker.delete_before(TOPIC, Duration::ZERO, 4).await.unwrap();
    assert_eq!(fixture.broker.lag("readers", TOPIC).await.unwrap(), 2);
    let mut consumer = fixture.consumer();
    let records = read(&mut consumer, 2).await;
    assert_eq!(texts(&records), ["4", "5"]);
    consumer.commit(&records).await.unwrap();
    assert_eq!(fixture.broker.lag("readers", TOPIC).await.unwrap(), 0);
}
