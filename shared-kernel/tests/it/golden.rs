use chrono::DateTime;
use shared_kernel::{
    AccountStatus, ChangeSource, EventId, EventMetadata, EventType, Locale, Op, UserChange, UserEvent,
    UserField, UserId, UserSnapshot, WireRecord, decode, encode,
};
use uuid::Uuid;

const USER: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_00ad);

fn ada(email: &str, pending_email: Option<&str>) -> UserSnapshot {
    UserSnapshot {
        id: UserId(USER),
        username: "ada".into(),
        email: email.into(),
        pending_email: pending_email.map(Into::into),
        full_name: Some("Ada Lovelace".into()),
        status: if pending_email.is_some() { AccountStatus::Confirmed } else { AccountStatus::Unconfirmed },
        locale: Locale::En,
    }
}

fn event(event_type: EventType) -> UserEvent {
    let (op, before, after, changed, version) = match event_type {
        EventType::Registered => (Some(Op::Create), None, Some(ada("ada@old.example", None)), vec![], 1),
        EventType::Updated => (
            Some(Op::Update),
            Some(ada("ada@old.example", None)),
            Some(ada("ada@old.example", Some("ada@new.example"))),
            vec![UserField::PendingEmail, UserField::Address],
            7,
        ),
        EventType::Deleted => (Some(Op::Delete), Some(ada("ada@old.example", None)), None, vec![], 8),
        EventType::PasswordResetRequested | EventType::ConfirmationRequested => {
            (None, None, Some(ada("ada@old.example", None)), vec![], 7)
        }
    };
    UserEvent {
        metadata: EventMetadata {
            id: EventId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001)),
            event_type,
            time: DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap(),
            subject: UserId(USER),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        },
        change: UserChange {
            op,
            before,
            after,
            changed,
            version,
            security_version: 3,
            source: ChangeSource::outbox(1_790_000_000_123),
            ts_ms: 1_790_000_000_200,
        },
    }
}

/// A record as text: headers as one object, then the value.
fn as_golden(record: &WireRecord) -> serde_json::Value {
    let headers: serde_json::Map<_, _> = record
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), String::from_utf8(value.clone()).unwrap().into()))
        .collect();
    serde_json::json!({
        "key": String::from_utf8(record.key.clone()).unwrap(),
        "headers": headers,
        "value": serde_json::from_slice::<serde_json::Value>(&record.value).unwrap(),
    })
}

fn from_golden(golden: &serde_json::Value) -> WireRecord {
    let headers = golden["headers"].as_object().unwrap();
    WireRecord {
        key: golden["key"].as_str().unwrap().into(),
        value: golden["value"].to_string().into_bytes(),
        headers: headers.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().into())).collect(),
    }
}

fn golden_file(event_type: EventType) -> serde_json::Value {
    let path = format!("{}/tests/golden/{event_type}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("{path}: {error}; this build would write\n{:#}", as_golden(&encode(&event(event_type))))
    });
    serde_json::from_str(&text).unwrap()
}

#[test]
fn every_event_type_is_written_as_its_golden_file() {
    for event_type in EventType::ALL {
        assert_eq!(as_golden(&encode(&event(event_type))), golden_file(event_type), "{event_type}");
    }
}

#[test]
fn every_golden_file_is_read_back() {
    for event_type in EventType::ALL {
        assert_eq!(
            decode(&from_golden(&golden_file(event_type))).unwrap(),
            event(event_type),
            "{event_type}"
        );
    }
}

#[test]
fn no_value_names_a_column_that_must_not_leave_the_database() {
    for event_type in EventType::ALL {
        let value = golden_file(event_type)["value"].clone();
        for image in ["before", "after"] {
            for secret in ["password", "dateOfBirth", "address"] {
                assert!(value[image].get(secret).is_none(), "{event_type}: {image}.{secret}");
            }
        }
    }
}
