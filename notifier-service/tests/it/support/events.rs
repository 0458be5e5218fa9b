use chrono::DateTime;
use notifier_service::entities::{
    Notification, NotificationId, NotificationKind, Place, ReceivedRecord, Recipient,
};
use serde_json::json;
use shared_kernel::{
    AccountStatus, CDC_TOPIC, ChangeSource, EventId, EventMetadata, EventType, Locale, Op, UserChange,
    UserEvent, UserField, UserId, UserSnapshot, WireRecord, encode,
};
use uuid::Uuid;

pub(crate) fn user_id(user: u128) -> UserId {
    UserId(Uuid::from_u128(0x1000 + user))
}

/// The `number`th notification, to that user at that address.
pub(crate) fn notification(number: u128, user: u128, address: &str) -> Notification {
    let event_id = EventId(Uuid::from_u128(number));
    let recipient = Recipient::new(address);
    Notification {
        id: NotificationId::derive(event_id, NotificationKind::Updated, &recipient),
        event_id,
        user_id: user_id(user),
        kind: NotificationKind::Updated,
        recipient,
        locale: Locale::PtBr,
        username: format!("user{user}"),
        full_name: Some("Ada Lovelace".into()),
        changed: vec![UserField::FullName, UserField::Other("shoeSize".into())],
        other_address: Some(Recipient::new("countess@example.org")),
        security_version: Some(3),
        occurred_at: DateTime::from_timestamp_micros(1_700_000_000_123_456),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
    }
}

/// The `number`th event: an update of that user, whose address is `user<user>@example.org`.
pub(crate) fn updated(number: u128, user: u128) -> UserEvent {
    let snapshot = UserSnapshot {
        id: user_id(user),
        username: format!("user{user}"),
        email: format!("user{user}@example.org"),
        pending_email: None,
        full_name: Some("Ada".into()),
        status: AccountStatus::Confirmed,
        locale: Locale::En,
    };
    UserEvent {
        metadata: EventMetadata {
            id: EventId(Uuid::from_u128(number)),
            event_type: EventType::Updated,
            time: DateTime::UNIX_EPOCH,
            subject: user_id(user),
            traceparent: None,
        },
        change: UserChange {
            op: Some(Op::Update),
            before: Some(snapshot.clone()),
            after: Some(snapshot),
            changed: vec![UserField::FullName],
            version: 2,
            security_version: 1,
            source: ChangeSource::outbox(0),
            ts_ms: 0,
        },
    }
}

pub(crate) fn received(offset: i64, record: WireRecord) -> ReceivedRecord {
    ReceivedRecord { place: Place { topic: CDC_TOPIC.to_owned(), partition: 0, offset }, record }
}

/// The `number`th event as a record of the topic, at the offset of the same number.
pub(crate) fn record(number: u128, user: u128) -> ReceivedRecord {
    received(i64::try_from(number).unwrap(), encode(&updated(number, user)))
}

/// A change of that user's full name as a record of a Debezium MySQL connector. It is user-service's change of that number;
/// without one, another program's.
pub(crate) fn by_debezium(offset: i64, number: Option<u128>, user: u128) -> ReceivedRecord {
    let image = |full_name: &str, last_event_id: Option<u128>| {
        json!({
            "id": user_id(user), "username": format!("user{user}"), "email": format!("user{user}@example.org"),
            "fullName": full_name, "status": "Confirmed", "version": 2, "securityVersion": 1,
            "lastEventId": last_event_id.map(Uuid::from_u128),
        })
    };
    let value = json!({
        "op": "u", "before": image("Ada", None), "after": image("Ada King", number), "ts_ms": 1,
        "source": {
            "connector": "mysql", "db": "userdata", "table": "users", "ts_ms": 1, "file": "binlog.000001", "pos": 4,
        },
    });
    received(
        offset,
        WireRecord { key: b"{}".to_vec(), value: value.to_string().into_bytes(), headers: vec![] },
    )
}

/// A record that nobody can understand.
pub(crate) fn junk(offset: i64) -> ReceivedRecord {
    let headers = vec![("foreign".to_owned(), b"kept".to_vec())];
    received(offset, WireRecord { key: b"k".to_vec(), value: b"{".to_vec(), headers })
}
