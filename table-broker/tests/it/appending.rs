//! Topics, places and the order of what is appended.

use std::collections::{BTreeMap, BTreeSet};

use table_broker::{BrokerError, NewRecord, Place, partition_for};

use crate::support::{Fixture, TOPIC, numbered, record, texts};

#[tokio::test]
async fn records_are_read_as_they_were_appended() {
    let fixture = Fixture::with_partitions(1).await;
    let full = NewRecord {
        key: b"key".to_vec(),
        value: vec![0, 0xff, b'v'],
        headers: vec![
            ("ce_id".to_owned(), b"1".to_vec()),
            ("ce_id".to_owned(), b"2".to_vec()),
            ("raw".to_owned(), vec![0xff, 0]),
        ],
    };
    let places = fixture.broker.append(TOPIC, &[full.clone(), NewRecord::default()]).await.unwrap();
    assert_eq!(places, [Place { partition: 0, offset: 0 }, Place { partition: 0, offset: 1 }]);

    let read = fixture.broker.records(TOPIC, 0, 0, 10).await.unwrap();
    assert_eq!(read.iter().map(|record| record.place).collect::<Vec<_>>(), places);
    assert_eq!((&read[0].key, &read[0].value, &read[0].headers), (&full.key, &full.value, &full.headers));
    assert_eq!((read[1].key.len(), read[1].value.len(), read[1].headers.len()), (0, 0, 0));
    assert!(read[0].appended_at_ms > 1_600_000_000_000, "milliseconds since 1970");
}

#[tokio::test]
async fn a_key_always_goes_to_the_partition_of_its_hash_in_order() {
    let fixture = Fixture::with_partitions(5).await;
    let mut expected = BTreeMap::<u32, Vec<String>>::new();
    for round in 0..4 {
        let batch: Vec<_> =
            (0..20).map(|key| record(&format!("key-{key}"), &format!("{round}/{key}"))).collect();
        let places = fixture.broker.append(TOPIC, &batch).await.unwrap();
        for (record, place) in batch.iter().zip(places) {
            assert_eq!(place.partition, partition_for(&record.key, 5));
            let value = String::from_utf8(record.value.clone()).unwrap();
            expected.entry(place.partition).or_default().push(value);
        }
    }
    for (partition, values) in expected {
        let read = fixture.broker.records(TOPIC, partition, 0, 1000).await.unwrap();
        assert_eq!(texts(&read), values);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_are_contiguous_under_concurrent_appends() {
    const APPENDERS: usize = 8;
    const BATCHES: usize = 15;
    const BATCH: usize = 4;
    let fixture = Fixture::with_partitions(3).await;
    let other = fixture.another_process().await;
    let mut tasks = tokio::task::JoinSet::new();
    for appender in 0..APPENDERS {
        let broker = if appender % 2 == 0 { fixture.broker.clone() } else { other.clone() };
        tasks.spawn(async move {
            let mut places = vec![];
            for batch in 0..BATCHES {
                let records: Vec<_> =
                    (0..BATCH).map(|index| numbered(appender * 10_000 + batch * BATCH + index)).collect();
                places.extend(broker.append(TOPIC, &records).await.unwrap());
            }
            places
        });
    }
    let all: Vec<Place> = tasks.join_all().await.into_iter().flatten().collect();
    let distinct: BTreeSet<Place> = all.iter().copied().collect();
    assert_eq!(distinct.len(), APPENDERS * BATCHES * BATCH, "no place is given twice");
    for partition in 0..3 {
        let offsets: Vec<u64> = fixture
            .broker
            .records(TOPIC, partition, 0, 10_000)
            .await
            .unwrap()
            .iter()
            .map(|record| record.place.offset)
            .collect();
        let count = distinct.iter().filter(|place| place.partition == partition).count();
        assert_eq!(offsets, (0..count as u64).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn creating_a_topic_again_changes_nothing_and_another_partition_count_is_refused() {
    let fixture = Fixture::with_partitions(3).await;
    fixture.append_numbered(10).await;
    fixture.broker.create_topic(TOPIC, 3).await.unwrap();
    assert_eq!(fixture.broker.lag("nobody", TOPIC).await.unwrap(), 10);

    let error = fixture.broker.create_topic(TOPIC, 4).await.unwrap_err();
    assert!(
        matches!(&error, BrokerError::PartitionCountDiffers { topic, existing: 3, requested: 4 } if topic == TOPIC)
    );
    assert!(!error.is_retryable());
    let message = error.to_string();
    assert!(message.contains('3') && message.contains('4'), "{message}");
    assert!(matches!(fixture.broker.create_topic("empty", 0).await, Err(BrokerError::NoPartitions { .. })));
}

#[tokio::test]
async fn what_does_not_exist_is_named() {
    let fixture = Fixture::with_partitions(2).await;
    let missing = |error| matches!(error, BrokerError::TopicMissing { topic } if topic == "elsewhere");
    let broker = &fixture.broker;
    assert!(missing(broker.append("elsewhere", &[numbered(1)]).await.unwrap_err()));
    assert!(missing(broker.records("elsewhere", 0, 0, 1).await.unwrap_err()));
    assert!(missing(broker.lag("readers", "elsewhere").await.unwrap_err()));
    assert!(missing(broker.delete_before("elsewhere", std::time::Duration::ZERO, 1).await.unwrap_err()));
    let mut consumer = broker.consumer("readers", "elsewhere", crate::support::patient());
    assert!(missing(consumer.poll(1, std::time::Duration::ZERO).await.unwrap_err()));
    consumer.close().await.expect("there is nothing to leave");
    let error = broker.records(TOPIC, 2, 0, 1).await.unwrap_err();
    assert!(matches!(error, BrokerError::PartitionMissing { partition: 2, partitions: 2, .. }));
}

#[tokio::test]
async fn appending_nothing_is_nothing() {
    let fixture = Fixture::with_partitions(1).await;
    assert_eq!(fixture.broker.append(TOPIC, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn reading_without_a_group_starts_and_ends_where_asked() {
    let fixture = Fixture::with_partitions(1).await;
    fixture.append_numbered(10).await;
    assert_eq!(texts(&fixture.broker.records(TOPIC, 0, 3, 2).await.unwrap()), ["3", "4"]);
    assert_eq!(texts(&fixture.broker.records(TOPIC, 0, 9, 10).await.unwrap()), ["9"]);
    assert!(fixture.broker.records(TOPIC, 0, u64::MAX, usize::MAX).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_closed_broker_says_so() {
    let fixture = Fixture::with_partitions(1).await;
    let mut consumer = fixture.consumer();
    consumer.poll(1, std::time::Duration::ZERO).await.unwrap();
    fixture.broker.close().await;
    assert!(matches!(fixture.broker.append(TOPIC, &[numbered(1)]).await, Err(BrokerError::Closed)));
    assert!(matches!(consumer.poll(1, std::time::Duration::ZERO).await, Err(BrokerError::Closed)));
}
