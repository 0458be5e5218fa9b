//! Several members: sharing, joining, leaving, expiring, fencing.

use std::collections::BTreeSet;
use std::time::Duration;

use table_broker::{BrokerError, Consumer, Record};
use tokio::time::Instant;

use crate::support::{DEADLINE, Fixture, STEP, TOPIC, append_numbered, counts, hasty, read, settle, texts};

/// Polls both until together they have read `count` records.
async fn read_together(first: &mut Consumer, second: &mut Consumer, count: usize) -> [Vec<Record>; 2] {
    let deadline = Instant::now() + DEADLINE;
    let mut read = [vec![], vec![]];
    while read[0].len() + read[1].len() < count {
        assert!(Instant::now() < deadline, "{} and {} records", read[0].len(), read[1].len());
        read[0].extend(first.poll(1000, Duration::ZERO).await.expect("poll succeeds"));
        read[1].extend(second.poll(1000, STEP).await.expect("poll succeeds"));
    }
    read
}

#[tokio::test]
async fn two_members_share_all_partitions() {
    let fixture = Fixture::with_partitions(5).await;
    let (mut first, mut second) = (fixture.consumer(), fixture.consumer());
    settle(&mut [&mut first, &mut second], |assigned| {
        let mut counts: Vec<_> = assigned.iter().map(Vec::len).collect();
        counts.sort_unstable();
        counts == [2, 3]
    })
    .await;

    fixture.append_numbered(100).await;
    let read = read_together(&mut first, &mut second, 100).await;
    for (consumer, records) in [(&first, &read[0]), (&second, &read[1])] {
        let from: BTreeSet<_> = records.iter().map(|record| record.place.partition).collect();
        assert_eq!(from.into_iter().collect::<Vec<_>>(), consumer.assigned());
    }
    let places: BTreeSet<_> = read.iter().flatten().map(|record| record.place).collect();
    assert_eq!(places.len(), 100, "each record comes to one member only");
}

#[tokio::test]
async fn members_that_join_and_leave_are_given_their_share_and_then_nothing_moves() {
    let fixture = Fixture::with_partitions(6).await;
    let (mut a, mut b, mut c) = (fixture.consumer(), fixture.consumer(), fixture.consumer());
    settle(&mut [&mut a], counts([6])).await;
    settle(&mut [&mut a, &mut b], counts([3, 3])).await;
    settle(&mut [&mut a, &mut b, &mut c], counts([2, 2, 2])).await;
    let before = [a.assigned(), b.assigned(), c.assigned()];
    for consumer in [&mut a, &mut b, &mut c] {
        consumer.poll(1, Duration::ZERO).await.unwrap();
    }
    assert_eq!([a.assigned(), b.assigned(), c.assigned()], before);
    b.close().await.unwrap();
    settle(&mut [&mut a, &mut c], counts([3, 3])).await;
}

#[tokio::test]
async fn more_members_than_partitions_leave_some_idle_but_ready() {
    let fixture = Fixture::with_partitions(1).await;
    let (mut a, mut b) = (fixture.consumer(), fixture.consumer());
    settle(&mut [&mut a, &mut b], counts([1, 0])).await;
    a.close().await.unwrap();
    settle(&mut [&mut b], counts([1])).await;
}

#[tokio::test]
async fn a_leaving_member_wakes_the_one_that_takes_over() {
    let fixture = Fixture::with_partitions(1).await;
    fixture.append_numbered(1).await;
    let options = table_broker::ConsumerOptions { poll_interval: DEADLINE, ..crate::support::patient() };
    let mut a = fixture.broker.consumer("readers", TOPIC, options.clone());
    let mut b = fixture.broker.consumer("readers", TOPIC, options);
    settle(&mut [&mut a, &mut b], counts([1, 0])).await;
    let started = Instant::now();
    let (records, closed) = tokio::join!(b.poll(1, DEADLINE), a.close());
    closed.unwrap();
    assert_eq!(texts(&records.unwrap()), ["0"]);
    assert!(started.elapsed() < DEADLINE / 2);
}

#[tokio::test]
async fn an_expired_members_partitions_are_taken_over() {
    let fixture = Fixture::with_partitions(4).await;
    fixture.append_numbered(40).await;
    let mut silent = fixture.broker.consumer("readers", TOPIC, hasty());
    let mut living = fixture.consumer();
    settle(&mut [&mut silent, &mut living], counts([2, 2])).await;
    // It isn't polled any more.
    settle(&mut [&mut living], counts([4])).await;
    assert_eq!(read(&mut living, 40).await.len(), 40);

    // When it is, it's a member again, with nothing left over from before.
    settle(&mut [&mut silent, &mut living], counts([2, 2])).await;
}

#[tokio::test]
async fn a_waiting_poll_keeps_the_lease_alive() {
    let fixture = Fixture::with_partitions(2).await;
    // Long enough that a busy machine does not let it run out between two renewals.
    let lease = Duration::from_secs(2);
    let options = table_broker::ConsumerOptions { member_lease: lease, ..hasty() };
    let mut waiting = fixture.broker.consumer("readers", TOPIC, options);
    settle(&mut [&mut waiting], counts([2])).await;
    let held = waiting.assigned();
    let mut late = fixture.consumer();
    let (records, ()) = tokio::join!(waiting.poll(1, lease * 2), async {
        let until = Instant::now() + lease * 2 - STEP;
        while Instant::now() < until {
            late.poll(0, Duration::ZERO).await.unwrap();
            assert!(late.assigned().len() <= 1, "it never takes the other's share");
            tokio::task::yield_now().await;
        }
    });
    assert!(records.unwrap().is_empty());
    assert_eq!(waiting.assigned().len(), 1);
    assert!(held.contains(&waiting.assigned()[0]));
}

#[tokio::test]
async fn a_member_that_lost_its_lease_can_not_commit() {
    let fixture = Fixture::with_partitions(1).await;
    fixture.append_numbered(10).await;
    let mut slow = fixture.broker.consumer("readers", TOPIC, hasty());
    let records = read(&mut slow, 10).await;

    let mut quick = fixture.consumer();
    let again = read(&mut quick, 4).await;
    quick.commit(&again).await.unwrap();

    let error = slow.commit(&records).await.unwrap_err();
    assert!(matches!(error, BrokerError::Fenced { partition: 0 }), "{error:?}");
    assert!(!error.is_retryable());
    assert!(slow.assigned().is_empty());
    assert_eq!(fixture.broker.lag("readers", TOPIC).await.unwrap(), 6, "the group has not moved");
    assert_eq!(texts(&read(&mut quick, 6).await), ["4", "5", "6", "7", "8", "9"]);
}

#[tokio::test]
async fn a_commit_after_the_lease_ran_out_counts_while_nobody_took_over() {
    let fixture = Fixture::with_partitions(1).await;
    fixture.append_numbered(3).await;
    let options = table_broker::ConsumerOptions { member_lease: Duration::from_millis(1), ..hasty() };
    let mut consumer = fixture.broker.consumer("readers", TOPIC, options);
    let records = read(&mut consumer, 3).await;
    consumer.commit(&records).await.unwrap();
    assert_eq!(fixture.broker.lag("readers", TOPIC).await.unwrap(), 0);
}

#[tokio::test]
async fn a_fenced_commit_still_commits_the_partitions_that_are_held() {
    let fixture = Fixture::with_partitions(2).await;
    fixture.append_numbered(20).await;
    let mut a = fixture.consumer();
    let records = read(&mut a, 20).await;
    let mut b = fixture.consumer();
    // B asks for its share, and A gives it up in its next poll: what A has read of it is B's now.
    settle(&mut [&mut b, &mut a], counts([1, 1])).await;
    let lost = b.assigned()[0];
    let error = a.commit(&records).await.unwrap_err();
    assert!(matches!(error, BrokerError::Fenced { partition } if partition == lost), "{error:?}");

    let of_lost = records.iter().filter(|record| record.place.partition == lost).count();
    assert_eq!(fixture.broker.lag("readers", TOPIC).await.unwrap(), of_lost as u64);
    let again = read(&mut b, of_lost).await;
    assert!(again.iter().all(|record| record.place.partition == lost));
    b.commit(&again).await.unwrap();
    assert_eq!(fixture.broker.lag("readers", TOPIC).await.unwrap(), 0);
}

#[tokio::test]
async fn records_read_under_an_earlier_lease_can_not_be_committed_under_a_later_one() {
    let fixture = Fixture::with_partitions(1).await;
    fixture.append_numbered(4).await;
    let mut slow = fixture.broker.consumer("readers", TOPIC, hasty());
    let stale = read(&mut slow, 4).await;
    let mut other = fixture.consumer();
    let half = read(&mut other, 2).await;
    other.commit(&half).await.unwrap();
    other.close().await.unwrap();
    let fresh = read(&mut slow, 2).await;
    assert_eq!(texts(&fresh), ["2", "3"], "it starts where the group has come to");
    assert!(matches!(slow.commit(&stale).await, Err(BrokerError::Fenced { partition: 0 })));
    assert_eq!(fixture.broker.lag("readers", TOPIC).await.unwrap(), 2);
    slow.commit(&fresh).await.unwrap();
    assert_eq!(fixture.broker.lag("readers", TOPIC).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_reordered_while_members_come_and_go() {
    const RECORDS: usize = 1500;
    let fixture = Fixture::with_partitions(4).await;
    let committed = std::sync::Arc::new(tokio::sync::Mutex::new(Vec::<(u32, u64)>::new()));
    let mut tasks = tokio::task::JoinSet::new();
    for member in 0..3_usize {
        let (broker, committed) = (fixture.broker.clone(), committed.clone());
        tasks.spawn(async move {
            let deadline = Instant::now() + DEADLINE;
            for turn in 0.. {
                let mut consumer = broker.consumer("readers", TOPIC, hasty());
                // Some leave in good order and some crash, having read what they don't commit.
                for _ in 0..10 + 5 * member {
                    let records = consumer.poll(20, STEP).await.unwrap();
                    let mut log = committed.lock().await;
                    if log.iter().collect::<BTreeSet<_>>().len() == RECORDS {
                        return;
                    }
                    assert!(Instant::now() < deadline, "{} records were committed", log.len());
                    if consumer.commit(&records).await.is_ok() {
                        log.extend(records.iter().map(|r| (r.place.partition, r.place.offset)));
                    }
                }
                let _ = consumer.poll(5, Duration::ZERO).await.unwrap();
                if (turn + member) % 2 == 0 {
                    consumer.close().await.unwrap();
                }
            }
        });
    }
    for batch in 0..RECORDS / 50 {
        append_numbered(&fixture.broker, batch * 50, 50).await;
    }
    tasks.join_all().await;
    let log = committed.lock().await;
    assert_eq!(log.len(), RECORDS, "each record was committed once");
    for partition in 0..4 {
        let offsets: Vec<u64> =
            log.iter().filter(|(p, _)| *p == partition).map(|(_, offset)| *offset).collect();
        assert_eq!(offsets, (0..offsets.len() as u64).collect::<Vec<_>>(), "in order");
    }
    assert_eq!(fixture.broker.lag("readers", TOPIC).await.unwrap(), 0);
}
