//! However a topic is read, it gives the same mails: partitions interleaved in any way, batches cut anywhere, any part of
//! them read again, events repeated on the topic itself, and crashes and failures at any point.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use notifier_service::data_sources::{SqliteNotificationLedger, SystemClock};
use notifier_service::entities::{Answer, NotificationId, ReceivedRecord, Recipient, plan};
use notifier_service::interactors::RecordUserEvents;
use notifier_service::repositories::NotificationLedger;
use proptest::prelude::*;
use shared_kernel::{
    AccountStatus, EventId, EventMetadata, EventType, UserChange, UserEvent, UserField, UserId, encode,
};
use uuid::Uuid;

use crate::support::events::{junk, received, updated, user_id};
use crate::support::fakes::InMemoryDeadLetters;
use crate::support::in_memory_ledger::InMemoryLedger;

const PARTITIONS: usize = 3;

/// One mail: the user, and the id that it is known by.
type Mail = (UserId, NotificationId);

/// What one record of the topic is.
#[derive(Debug, Clone)]
enum Said {
    /// Something happens to a user.
    Event { user: u128, happens: Happens },
    /// An earlier record of the partition comes once more, as relays that overlap write it.
    Again(usize),
    /// Nobody can read it.
    Junk,
    /// It can be read, and no ledger can hold it.
    Unrecordable { user: u128 },
}

#[derive(Debug, Clone, Copy)]
enum Happens {
    Registered,
    Renamed,
    NewAddress,
    NewPassword,
    AsksForReset,
    Deleted,
}

/// One batch that some member of the group reads, from offsets at or before the committed ones, and what becomes of it.
#[derive(Debug, Clone)]
struct Read {
    back: [usize; PARTITIONS],
    size: [usize; PARTITIONS],
    ends: Ends,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Ends {
    Committed,
    CrashBeforeCommit,
    LedgerAway,
    DeadLettersAway,
}

fn any_said() -> impl Strategy<Value = Said> {
    let happens = prop::sample::select(vec![
        Happens::Registered,
        Happens::Renamed,
        Happens::NewAddress,
        Happens::NewPassword,
        Happens::AsksForReset,
        Happens::Deleted,
    ]);
    prop_oneof![
        8 => (0_u128..3, happens).prop_map(|(user, happens)| Said::Event { user, happens }),
        2 => (0_usize..20).prop_map(Said::Again),
        1 => Just(Said::Junk),
        1 => (0_u128..3).prop_map(|user| Said::Unrecordable { user }),
    ]
}

fn any_topic() -> impl Strategy<Value = Vec<Vec<ReceivedRecord>>> {
    prop::collection::vec(prop::collection::vec(any_said(), 0..20), PARTITIONS).prop_map(|topic| {
        topic.iter().enumerate().map(|(partition, said)| records(partition, said)).collect()
    })
}

fn any_reads() -> impl Strategy<Value = Vec<Read>> {
    let ends = prop::sample::select(vec![
        Ends::Committed,
        Ends::Committed,
        Ends::CrashBeforeCommit,
        Ends::LedgerAway,
        Ends::DeadLettersAway,
    ]);
    let read = (prop::array::uniform(0_usize..10), prop::array::uniform(0_usize..8), ends);
    prop::collection::vec(read.prop_map(|(back, size, ends)| Read { back, size, ends }), 0..25)
}

/// A partition's records. Its users are its own, as the key sees to that.
fn records(partition: usize, said: &[Said]) -> Vec<ReceivedRecord> {
    let mut records: Vec<ReceivedRecord> = Vec::new();
    for (offset, said) in said.iter().enumerate() {
        let number = (partition * 1000 + offset) as u128;
        let user = |user: u128| user + partition as u128 * 10;
        let mut record = match said {
            Said::Event { user: of, happens } => received(0, encode(&event(number, user(*of), *happens))),
            Said::Again(earlier) if !records.is_empty() => records[earlier % records.len()].clone(),
            Said::Again(_) | Said::Junk => junk(0),
            Said::Unrecordable { user: of } => {
                let mut event = event(number, user(*of), Happens::Renamed);
                event.change.after.as_mut().unwrap().username = "x".repeat(300);
                received(0, encode(&event))
            }
        };
        record.place.partition = i32::try_from(partition).unwrap();
        record.place.offset = i64::try_from(offset).unwrap();
        records.push(record);
    }
    records
}

fn event(number: u128, user: u128, happens: Happens) -> UserEvent {
    let event = updated(number, user);
    let (before, mut after) = (event.change.before.clone(), event.change.after.clone());
    let (event_type, changed) = match happens {
        Happens::Registered => (EventType::Registered, vec![]),
        Happens::Renamed => (EventType::Updated, vec![UserField::FullName]),
        Happens::NewAddress => {
            after.as_mut().unwrap().email = format!("user{user}-{number}@example.org");
            after.as_mut().unwrap().status = AccountStatus::Confirmed;
            (EventType::Updated, vec![UserField::Email, UserField::Address])
        }
        Happens::NewPassword => (EventType::Updated, vec![UserField::Password]),
        Happens::AsksForReset => (EventType::PasswordResetRequested, vec![]),
        Happens::Deleted => (EventType::Deleted, vec![]),
    };
    let (op, before, after) = match event_type {
        EventType::Registered => (Some(shared_kernel::Op::Create), None, after),
        EventType::Deleted => (Some(shared_kernel::Op::Delete), before, None),
        EventType::Updated => (Some(shared_kernel::Op::Update), before, after),
        _ => (None, None, after),
    };
    let metadata = EventMetadata { id: EventId(Uuid::from_u128(number)), event_type, ..event.metadata };
    UserEvent { metadata, change: UserChange { op, before, after, changed, ..event.change } }
}

/// The mails that the topic asks for, each user's in the order of the topic. Told from the events alone.
fn asked_for(topic: &[Vec<ReceivedRecord>]) -> BTreeMap<UserId, Vec<NotificationId>> {
    let mut mails: BTreeMap<UserId, Vec<NotificationId>> = BTreeMap::new();
    for record in topic.iter().flatten() {
        let Ok(Some(event)) = shared_kernel::read_record(&record.record) else { continue };
        for mail in plan(&event).into_iter().filter(|mail| mail.username.chars().count() <= 255) {
            let known = mails.entry(mail.user_id).or_default();
            if !known.contains(&mail.id) {
                known.push(mail.id);
            }
        }
    }
    mails
}

/// The places of the records that nobody can record.
fn unusable(topic: &[Vec<ReceivedRecord>]) -> BTreeSet<(i32, i64)> {
    let is_unusable = |record: &&ReceivedRecord| match shared_kernel::read_record(&record.record) {
        Ok(Some(event)) => plan(&event).iter().any(|mail| mail.username.chars().count() > 255),
        Ok(None) => false,
        Err(_) => true,
    };
    topic.iter().flatten().filter(is_unusable).map(|it| (it.place.partition, it.place.offset)).collect()
}

/// Reads the topic as told, and then what is left of it.
async fn read(
    topic: &[Vec<ReceivedRecord>],
    reads: &[Read],
    record: &RecordUserEvents,
    mut fail: impl FnMut(Ends),
) {
    let mut committed = [0; PARTITIONS];
    for Read { back, size, ends } in reads {
        let mut batch = Vec::new();
        let mut until = committed;
        for (partition, records) in topic.iter().enumerate() {
            let from = committed[partition] - back[partition].min(committed[partition]);
            let to = (from + size[partition]).min(records.len());
            batch.extend_from_slice(&records[from..to]);
            until[partition] = until[partition].max(to);
        }
        fail(*ends);
        let outcome = record.execute(&batch).await;
        fail(Ends::Committed);
        if outcome.is_ok() && *ends != Ends::CrashBeforeCommit {
            committed = until;
        }
    }
    for (partition, records) in topic.iter().enumerate() {
        record.execute(&records[committed[partition]..]).await.unwrap();
    }
}

fn by_user(mails: impl IntoIterator<Item = Mail>) -> BTreeMap<UserId, Vec<NotificationId>> {
    let mut by_user: BTreeMap<UserId, Vec<NotificationId>> = BTreeMap::new();
    for (user, mail) in mails {
        by_user.entry(user).or_default().push(mail);
    }
    by_user
}

fn block_on(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_reading_of_a_topic_gives_its_mails_in_each_users_order(topic in any_topic(), reads in any_reads()) {
        block_on(async {
            let ledger = InMemoryLedger::new(Arc::new(SystemClock::start()));
            let dead_letters = Arc::new(InMemoryDeadLetters::default());
            let record = RecordUserEvents::new(ledger.clone(), dead_letters.clone());
            read(&topic, &reads, &record, |ends| {
                ledger.fail_next(u32::from(ends == Ends::LedgerAway));
                dead_letters.fail_next(u32::from(ends == Ends::DeadLettersAway));
            })
            .await;

            let recorded = ledger.rows().into_iter().map(|row| (row.notification.user_id, row.notification.id));
            assert_eq!(by_user(recorded), asked_for(&topic));
            let letters = dead_letters.letters().into_iter();
            let set_aside: BTreeSet<_> =
                letters.map(|it| (it.received.place.partition, it.received.place.offset)).collect();
            assert_eq!(set_aside, unusable(&topic));
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// The same on a real ledger, up to what is claimed of it: mails to one address in the order of the topic.
    #[test]
    fn any_reading_of_a_topic_is_claimed_in_its_order(topic in any_topic(), reads in any_reads()) {
        block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("ledger.db");
            SqliteNotificationLedger::migrate(&path).await.unwrap();
            let ledger = Arc::new(SqliteNotificationLedger::open(&path).await.unwrap());
            let record = RecordUserEvents::new(ledger.clone(), Arc::new(InMemoryDeadLetters::default()));
            read(&topic, &reads, &record, |_| ()).await;

            let mut claimed: BTreeMap<(UserId, String), Vec<NotificationId>> = BTreeMap::new();
            loop {
                let claims = ledger.claim(100, Duration::from_secs(600)).await.unwrap();
                if claims.is_empty() {
                    break;
                }
                for claim in claims {
                    let recipient = claim.notification.recipient.as_str().to_owned();
                    claimed.entry((claim.notification.user_id, recipient)).or_default().push(claim.lease.id);
                    ledger.mark_sent(&claim.lease, &Answer::ours("ok")).await.unwrap();
                }
            }
            assert_eq!(claimed, asked_for_by_address(&topic));
            ledger.close().await;
        });
    }
}

fn asked_for_by_address(topic: &[Vec<ReceivedRecord>]) -> BTreeMap<(UserId, String), Vec<NotificationId>> {
    let wanted = asked_for(topic);
    let mut addresses: BTreeMap<NotificationId, Recipient> = BTreeMap::new();
    for record in topic.iter().flatten() {
        let Ok(Some(event)) = shared_kernel::read_record(&record.record) else { continue };
        addresses.extend(plan(&event).into_iter().map(|mail| (mail.id, mail.recipient)));
    }
    let mut by_address: BTreeMap<(UserId, String), Vec<NotificationId>> = BTreeMap::new();
    for (user, mails) in wanted {
        for mail in mails {
            by_address.entry((user, addresses[&mail].as_str().to_owned())).or_default().push(mail);
        }
    }
    by_address
}

#[test]
fn the_topics_of_these_tests_hold_what_they_are_about() {
    assert_eq!(user_id(0), event(1, 0, Happens::Renamed).metadata.subject);
    let said = [
        Said::Event { user: 1, happens: Happens::NewAddress },
        Said::Again(0),
        Said::Junk,
        Said::Unrecordable { user: 1 },
        Said::Event { user: 2, happens: Happens::Deleted },
    ];
    let topic = vec![records(0, &said)];
    let mails: Vec<_> = asked_for(&topic).into_values().map(|mails| mails.len()).collect();
    // To both addresses of the one and about another field; and a goodbye to the other.
    assert_eq!(mails, [3, 1]);
    assert_eq!(unusable(&topic), BTreeSet::from([(0, 2), (0, 3)]));
}
