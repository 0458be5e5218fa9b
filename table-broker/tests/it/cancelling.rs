//! Futures that are dropped half-way.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::support::{
    DEADLINE, Fixture, TOPIC, append_numbered, counts, numbered, patient, read, settle, texts,
};

/// Lets the future run until it was woken `wakes` times, and drops it then; its result if it came to one.
async fn cancelled_after<F: Future>(future: F, wakes: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = wakes;
    std::future::poll_fn(move |context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn a_cancelled_poll_loses_nothing_wherever_it_is_cut() {
    let fixture = Fixture::with_partitions(3).await;
    fixture.append_numbered(30).await;
    let mut cut = 0;
    for wakes in 0..40 {
        // A new group each time, so that joining is cut too.
        let group = format!("group-{wakes}");
        let mut consumer = fixture.broker.consumer(&group, TOPIC, patient());
        let completed = cancelled_after(consumer.poll(30, Duration::ZERO), wakes).await;
        cut += usize::from(completed.is_none());
        let mut records = completed.map(Result::unwrap).unwrap_or_default();
        let rest = read(&mut consumer, 30 - records.len()).await;
        records.extend(rest);
        consumer.commit(&records).await.unwrap();
        assert_eq!(fixture.broker.lag(&group, TOPIC).await.unwrap(), 0);
    }
    assert!(cut > 0, "none was cut");
}

#[tokio::test]
async fn a_cancelled_join_leaves_no_member_behind() {
    let fixture = Fixture::with_partitions(2).await;
    for wakes in 0..40 {
        let mut cancelled = fixture.consumer();
        let _ = cancelled_after(cancelled.poll(1, Duration::ZERO), wakes).await;
        if wakes % 2 == 0 {
            settle(&mut [&mut cancelled], counts([2])).await;
        }
        cancelled.close().await.unwrap();
        let mut next = fixture.consumer();
        settle(&mut [&mut next], counts([2])).await;
        next.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_cancelled_wait_keeps_what_comes_for_the_next_poll() {
    let fixture = Fixture::with_partitions(1).await;
    let mut consumer = fixture.consumer();
    assert!(tokio::time::timeout(Duration::from_millis(50), consumer.poll(1, DEADLINE)).await.is_err());
    fixture.append_numbered(1).await;
    assert_eq!(texts(&read(&mut consumer, 1).await), ["0"]);
}

#[tokio::test]
async fn a_cancelled_append_has_appended_all_or_nothing_and_blocks_nobody() {
    let fixture = Fixture::with_partitions(2).await;
    let batch: Vec<_> = (0..10).map(numbered).collect();
    let mut finished = 0;
    for wakes in 0..60 {
        let before = fixture.broker.lag("nobody", TOPIC).await.unwrap();
        let result = cancelled_after(fixture.broker.append(TOPIC, &batch), wakes).await;
        append_numbered(&fixture.broker, 0, 1).await;
        let appended = fixture.broker.lag("nobody", TOPIC).await.unwrap() - before - 1;
        match result {
            Some(_) => assert_eq!(appended, 10),
            None => assert!(appended == 0 || appended == 10, "{appended} of 10"),
        }
        finished += usize::from(result.is_some());
    }
    assert!(finished < 60, "some were cut");
}

#[tokio::test]
async fn a_cancelled_commit_has_committed_all_or_nothing_and_can_be_repeated() {
    let fixture = Fixture::with_partitions(2).await;
    for wakes in 0..30 {
        fixture.append_numbered(10).await;
        let mut consumer = fixture.consumer();
        let records = read(&mut consumer, 10).await;
        let _ = cancelled_after(consumer.commit(&records), wakes).await;
        consumer.commit(&records).await.unwrap();
        assert_eq!(fixture.broker.lag("readers", TOPIC).await.unwrap(), 0);
        consumer.close().await.unwrap();
    }
}
