use std::collections::HashMap;

use shared_kernel::{ChangeSource, EventId, UserEvent, UserId, WireRecord, decode};

/// The records of a topic as a consumer takes them that knows each event by its id: what comes again is a repeat.
pub struct Published {
    /// How many records are repeats of earlier ones.
    pub repeats: usize,
    by_user: HashMap<UserId, Vec<UserEvent>>,
}

impl Published {
    /// Reads the records, which must be in the order of their partitions.
    ///
    /// # Panics
    ///
    /// When a record is no event, when two different changes have one id, and when one change has two.
    pub fn of(records: &[WireRecord]) -> Self {
        let mut published = Self { repeats: 0, by_user: HashMap::new() };
        let mut by_id: HashMap<EventId, String> = HashMap::new();
        let mut by_content: HashMap<String, EventId> = HashMap::new();
        for record in records {
            let event = decode(record).expect("only the relay writes to the topic");
            let (id, content) = (event.metadata.id, content(&event));
            if let Some(first) = by_id.get(&id) {
                assert_eq!(*first, content, "what is published again under {id:?} is another change");
                published.repeats += 1;
                continue;
            }
            let other = by_content.insert(content.clone(), id);
            assert!(other.is_none(), "one change was published as {id:?} and as {other:?}: {content}");
            by_id.insert(id, content);
            published.by_user.entry(event.metadata.subject).or_default().push(event);
        }
        published
    }

    /// The users that events are about.
    pub fn users(&self) -> impl Iterator<Item = UserId> {
        self.by_user.keys().copied()
    }

    /// One user's events in the order in which each was there for the first time.
    pub fn first_occurrences(&self, user: UserId) -> &[UserEvent] {
        self.by_user.get(&user).map_or(&[], Vec::as_slice)
    }

    /// Every event, one user's in the order of their first occurrences.
    pub fn events(&self) -> impl Iterator<Item = &UserEvent> {
        self.by_user.values().flatten()
    }

    /// Holds the events against the versions that the users have now: nothing is missing, nothing else is there, and
    /// first occurrences are in order.
    ///
    /// # Panics
    ///
    /// When it is not so.
    pub fn is_every_version_in_order(&self, now: &HashMap<UserId, i64>) {
        for (user, last) in now {
            let versions: Vec<_> =
                self.first_occurrences(*user).iter().map(|event| event.change.version).collect();
            let expected: Vec<_> = (1..=*last).collect();
            assert_eq!(versions, expected, "the versions of {user} in the order of their first occurrences");
        }
        let strangers: Vec<_> = self.users().filter(|user| !now.contains_key(user)).collect();
        assert!(strangers.is_empty(), "there are no such users: {strangers:?}");
    }
}

/// All that a repeat has in common with its first occurrence: everything but when and where it was captured.
fn content(event: &UserEvent) -> String {
    let mut change = event.change.clone();
    change.ts_ms = 0;
    change.source = ChangeSource::outbox(0);
    let metadata = &event.metadata;
    let change = serde_json::to_string(&change).expect("a change has string keys");
    format!("{} {:?} {} {change}", metadata.subject, metadata.event_type, metadata.time)
}

#[cfg(test)]
mod tests {
    use shared_kernel::{
        AccountStatus, EventMetadata, EventType, Locale, Op, UserChange, UserSnapshot, encode,
    };
    use uuid::Uuid;

    use super::*;

    const USER: UserId = UserId(Uuid::from_u128(1));

    fn record(id: u128, version: i64, ts_ms: i64) -> WireRecord {
        let snapshot = UserSnapshot {
            id: USER,
            username: "ada".to_owned(),
            email: "ada@example.org".to_owned(),
            pending_email: None,
            full_name: None,
            status: AccountStatus::Confirmed,
            locale: Locale::En,
        };
        encode(&UserEvent {
            metadata: EventMetadata {
                id: EventId(Uuid::from_u128(id)),
                event_type: EventType::Updated,
                time: chrono::DateTime::UNIX_EPOCH,
                subject: USER,
                traceparent: None,
            },
            change: UserChange {
                op: Some(Op::Update),
                before: Some(snapshot.clone()),
                after: Some(snapshot),
                changed: vec![],
                version,
                security_version: 1,
                source: ChangeSource::outbox(ts_ms),
                ts_ms,
            },
        })
    }

    fn now(version: i64) -> HashMap<UserId, i64> {
        HashMap::from([(USER, version)])
    }

    #[test]
    fn repeats_are_known_by_their_id() {
        let published = Published::of(&[record(1, 1, 10), record(2, 2, 20), record(1, 1, 30)]);
        assert_eq!((published.repeats, published.first_occurrences(USER).len()), (1, 2));
        published.is_every_version_in_order(&now(2));
    }

    #[test]
    #[should_panic(expected = "one change was published as")]
    fn a_repeat_with_another_id_is_found() {
        Published::of(&[record(1, 1, 10), record(2, 1, 20)]);
    }

    #[test]
    #[should_panic(expected = "is another change")]
    fn another_change_with_the_same_id_is_found() {
        Published::of(&[record(1, 1, 10), record(1, 2, 20)]);
    }

    #[test]
    #[should_panic(expected = "in the order of their first occurrences")]
    fn a_missing_version_is_found() {
        Published::of(&[record(1, 1, 10), record(3, 3, 20)]).is_every_version_in_order(&now(3));
    }

    #[test]
    #[should_panic(expected = "in the order of their first occurrences")]
    fn a_late_first_occurrence_is_found() {
        let records = [record(2, 2, 10), record(1, 1, 20), record(2, 2, 30)];
        Published::of(&records).is_every_version_in_order(&now(2));
    }
}
