//! What both event logs must do.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use chrono::DateTime;
use notifier_service::entities::ReceivedRecord;
use notifier_service::transport::EventConsumer;
use shared_kernel::{
    AccountStatus, ChangeSource, EventId, EventMetadata, EventType, Locale, Op, UserChange, UserEvent,
    UserId, UserSnapshot, decode,
};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::logs::EventLog;

/// For whatever a broker has to do first: elections, rebalances, expiring sessions.
const LIMIT: Duration = Duration::from_secs(60);
const USERS: u32 = 20;

/// Event number `count` of a user, told apart by its version.
fn event(user: u32, count: u32) -> UserEvent {
    let id = UserId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | u128::from(user)));
    let snapshot = UserSnapshot {
        id,
        username: format!("user{user}"),
        email: format!("user{user}@example.org"),
        pending_email: None,
        full_name: Some("名前 🦀".into()),
        status: AccountStatus::Unconfirmed,
        locale: Locale::En,
    };
    UserEvent {
        metadata: EventMetadata {
            id: EventId(Uuid::from_u128(u128::from(user) << 64 | u128::from(count))),
            event_type: EventType::Registered,
            time: DateTime::from_timestamp_micros(1_790_000_000_000_001).unwrap(),
            subject: id,
            traceparent: None,
        },
        change: UserChange {
            op: Some(Op::Create),
            before: None,
            after: Some(snapshot),
            changed: vec![],
            version: i64::from(count),
            security_version: 1,
            source: ChangeSource::outbox(1),
            ts_ms: 2,
        },
    }
}

/// Events `from..to` of every user, one user's among the others'.
fn events(from: u32, to: u32) -> Vec<UserEvent> {
    (from..to).flat_map(|count| (0..USERS).map(move |user| event(user, count))).collect()
}

/// The versions of each user's events, in the order of the records.
fn versions(records: &[ReceivedRecord]) -> BTreeMap<UserId, Vec<i64>> {
    let mut versions: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for received in records {
        let event = decode(&received.record).unwrap();
        versions.entry(event.metadata.subject).or_default().push(event.change.version);
    }
    versions
}

/// Reads and commits until `count` records came.
async fn read(consumer: &mut dyn EventConsumer, count: usize) -> Vec<ReceivedRecord> {
    let deadline = Instant::now() + LIMIT;
    let mut records = Vec::new();
    while records.len() < count {
        let batch =
            timeout_at(deadline, consumer.next_batch()).await.expect("the records come in time").unwrap();
        assert!(!batch.is_empty(), "a batch has at least one record");
        consumer.commit(&batch).await.unwrap();
        records.extend(batch);
    }
    records
}

pub(super) async fn one_users_events_keep_their_order(log: &dyn EventLog) {
    let publisher = log.publisher();
    for part in events(0, 30).chunks(70) {
        publisher.publish(part).await.unwrap();
    }
    let mut consumer = log.join("g");
    let records = read(&mut *consumer, 600).await;
    let in_order: Vec<i64> = (0..30).collect();
    let versions = versions(&records);
    assert_eq!(versions.len(), USERS as usize);
    for (user, versions) in versions {
        assert_eq!(versions, in_order, "{user}");
    }
    assert_eq!(
        decode(&records[0].record).unwrap().change.after.unwrap().full_name.as_deref(),
        Some("名前 🦀")
    );
    consumer.close().await.unwrap();
}

pub(super) async fn what_is_committed_does_not_come_again(log: &dyn EventLog) {
    let publisher = log.publisher();
    publisher.publish(&events(0, 5)).await.unwrap();
    let mut first = log.join("g");
    read(&mut *first, 100).await;
    first.close().await.unwrap();

    publisher.publish(&events(5, 7)).await.unwrap();
    let mut second = log.join("g");
    for (user, versions) in versions(&read(&mut *second, 40).await) {
        assert_eq!(versions, [5, 6], "{user}");
    }
    second.close().await.unwrap();
}

pub(super) async fn what_was_read_and_not_committed_comes_again_after_a_crash(log: &dyn EventLog) {
    log.publisher().publish(&events(0, 4)).await.unwrap();
    let mut crashing = log.join("g");
    let mut seen = 0;
    while seen < 80 {
        seen += tokio::time::timeout(LIMIT, crashing.next_batch()).await.unwrap().unwrap().len();
    }
    // No commit, and no leaving of the group.
    drop(crashing);

    let mut next = log.join("g");
    for (user, versions) in versions(&read(&mut *next, 80).await) {
        assert_eq!(versions, [0, 1, 2, 3], "{user}");
    }
    next.close().await.unwrap();
}

/// Reads and commits with several members, turn by turn, until `done`. Returns the records in the order in
/// which they came, with the member that got each.
async fn read_with(
    members: &mut [Box<dyn EventConsumer>],
    done: impl Fn(&[(usize, ReceivedRecord)]) -> bool,
) -> Vec<(usize, ReceivedRecord)> {
    let deadline = Instant::now() + LIMIT;
    let mut records = Vec::new();
    while !done(&records) {
        assert!(Instant::now() < deadline, "only {} records in {LIMIT:?}", records.len());
        for (number, member) in members.iter_mut().enumerate() {
            let turn = Instant::now() + Duration::from_millis(50);
            if let Ok(batch) = timeout_at(turn, member.next_batch()).await {
                let batch = batch.unwrap();
                member.commit(&batch).await.unwrap();
                records.extend(batch.into_iter().map(|record| (number, record)));
            }
        }
    }
    records
}

fn first_occurrences(records: &[(usize, ReceivedRecord)]) -> Vec<ReceivedRecord> {
    let mut seen = HashSet::new();
    let firsts = records.iter().filter(|(_, received)| seen.insert(received.place.clone()));
    firsts.map(|(_, received)| received.clone()).collect()
}

pub(super) async fn members_of_a_group_share_the_partitions(log: &dyn EventLog) {
    let publisher = log.publisher();
    let mut members = vec![log.join("g")];
    publisher.publish(&events(0, 2)).await.unwrap();
    let mut records = read_with(&mut members, |records| first_occurrences(records).len() == 40).await;
    members.push(log.join("g"));
    let mut count = 2;
    // The new member's share begins whenever the rebalance is through; until then the first one gets all.
    let deadline = Instant::now() + LIMIT;
    loop {
        publisher.publish(&events(count, count + 1)).await.unwrap();
        count += 1;
        let expected = (count as usize) * 20;
        let before = records.clone();
        records.extend(
            read_with(&mut members, |new| {
                let all: Vec<_> = before.iter().chain(new).cloned().collect();
                first_occurrences(&all).len() == expected
            })
            .await,
        );
        let newest = &records[before.len()..];
        if newest.iter().any(|(member, _)| *member == 0) && newest.iter().any(|(member, _)| *member == 1) {
            break;
        }
        assert!(Instant::now() < deadline, "the second member gets no share");
    }
    let in_order: Vec<i64> = (0..i64::from(count)).collect();
    for (user, versions) in versions(&first_occurrences(&records)) {
        assert_eq!(versions, in_order, "{user}: order over the rebalance");
    }
    for member in members {
        member.close().await.unwrap();
    }
}

pub(super) async fn a_member_that_leaves_hands_over_at_once(log: &dyn EventLog) {
    let publisher = log.publisher();
    publisher.publish(&events(0, 1)).await.unwrap();
    let mut members = vec![log.join("g"), log.join("g")];
    read_with(&mut members, |records| first_occurrences(records).len() == 20).await;
    members.remove(0).close().await.unwrap();

    publisher.publish(&events(1, 3)).await.unwrap();
    let records = read_with(&mut members, |records| {
        first_occurrences(records).iter().filter(|received| version(received) > 0).count() == 40
    })
    .await;
    let new: Vec<_> =
        first_occurrences(&records).into_iter().filter(|received| version(received) > 0).collect();
    for (user, versions) in versions(&new) {
        assert_eq!(versions, [1, 2], "{user}");
    }
    members.remove(0).close().await.unwrap();
}

fn version(received: &ReceivedRecord) -> i64 {
    decode(&received.record).unwrap().change.version
}

pub(super) async fn groups_do_not_disturb_each_other(log: &dyn EventLog) {
    log.publisher().publish(&events(0, 3)).await.unwrap();
    for group in ["one", "other"] {
        let mut consumer = log.join(group);
        assert_eq!(read(&mut *consumer, 60).await.len(), 60, "{group}");
        consumer.close().await.unwrap();
    }
}
