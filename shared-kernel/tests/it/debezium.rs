//! What a Debezium 3.6 connector wrote for changes on a MySQL 9.7: with the configuration that is shipped, and (`stock-…`)
//! with every option as it comes, where values are wrapped, bytes are base64 and every column is told.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::{Value, json};
use shared_kernel::{
    AccountStatus, BinlogPlace, EventId, EventType, Locale, Op, UserEvent, UserField, UserId, WireRecord,
    read_record,
};
use uuid::Uuid;

const ADA: UserId = UserId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0ada));

/// The `lastEventId` that user-service left with its changes, one after another from 1.
fn own_id(number: u128) -> EventId {
    EventId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0e00 + number))
}

fn golden(name: &str) -> Value {
    let path = format!("{}/tests/golden/debezium/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap()
}

fn record(golden: &Value) -> WireRecord {
    let value = match &golden["value"] {
        Value::Null => Vec::new(),
        value => value.to_string().into_bytes(),
    };
    let headers = golden["headers"].as_object().unwrap().iter();
    WireRecord {
        key: golden["key"].to_string().into_bytes(),
        value,
        headers: headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().into())).collect(),
    }
}

fn event(name: &str) -> UserEvent {
    read_record(&record(&golden(name))).unwrap().unwrap()
}

fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

#[test]
fn a_registration_is_read_with_the_id_and_the_time_that_user_service_gave_it() {
    for (name, is_stock) in [("registered", false), ("stock-registered", true)] {
        let event = event(name);
        assert_eq!(
            (event.metadata.event_type, event.metadata.subject),
            (EventType::Registered, ADA),
            "{name}"
        );
        assert_eq!(event.metadata.id, own_id(1), "{name}");
        assert_eq!(event.metadata.time, at("2026-01-02T03:04:05.678901Z"), "{name}");
        let change = event.change;
        let user = change.after.unwrap();
        assert_eq!((user.id, user.username.as_str(), user.email.as_str()), (ADA, "ada", "ada@old.example"));
        assert_eq!((user.full_name.as_deref(), user.pending_email), (Some("Ada Lovelace"), None));
        assert_eq!((user.status, user.locale), (AccountStatus::Unconfirmed, Locale::PtBr));
        assert_eq!((change.op, change.before, change.changed), (Some(Op::Create), None, vec![]));
        assert_eq!((change.version, change.security_version), (1, 1));
        let source = change.source;
        assert_eq!((source.connector.as_str(), source.capture.as_str()), ("mysql", "debezium"));
        assert!(source.gtid.is_some() && source.file.is_some() && source.pos.is_some());
        assert_eq!(source.ts_ms > 1_795_279_600_000, is_stock);
    }
}

#[test]
fn an_update_names_the_columns_that_are_seen_to_differ() {
    let cases = [
        ("confirmed", 2, vec![UserField::Status]),
        ("stock-confirmed", 2, vec![UserField::Status]),
        ("new-address-and-password", 3, vec![UserField::PendingEmail, UserField::Password]),
        // The postal address, which the shipped configuration keeps back: user-service's id tells that something changed.
        ("hidden-column", 4, vec![]),
        ("stock-hidden-column", 4, vec![UserField::Address]),
    ];
    for (name, id, changed) in cases {
        let event = event(name);
        assert_eq!(
            (event.metadata.event_type, event.metadata.id),
            (EventType::Updated, own_id(id)),
            "{name}"
        );
        assert_eq!((event.change.op, event.change.changed), (Some(Op::Update), changed), "{name}");
        assert_eq!(u128::try_from(event.change.version).unwrap(), id, "{name}");
        assert!(event.change.before.is_some() && event.change.after.is_some(), "{name}");
    }
    assert_eq!(event("new-address-and-password").change.security_version, 3);
}

#[test]
fn a_deletion_has_the_id_that_user_service_derives_too() {
    for name in ["deleted", "stock-deleted"] {
        let event = event(name);
        assert_eq!(event.metadata.event_type, EventType::Deleted);
        assert_eq!(event.metadata.id, EventId::of_deletion(ADA, own_id(4)));
        // The row's own time is that of its last change.
        assert_eq!(event.metadata.time.timestamp_millis(), event.change.source.ts_ms);
        assert_eq!((event.change.op, event.change.version), (Some(Op::Delete), 5));
        assert!(event.change.after.is_none() && event.change.before.is_some());
    }
}

#[test]
fn another_programs_change_has_an_id_and_a_time_from_the_binlog() {
    let updated = event("by-another-program");
    let place = BinlogPlace {
        gtid: Some("37af5fcc-e5ca-11f1-8abf-02fc00000001:24"),
        server_id: 2,
        file: "binlog.000002",
        pos: 10_960,
        row: 0,
        committed_ms: 1_795_279_599_045,
    };
    let change = &updated.change;
    let id = EventId::of_other_program(&place, change.before.as_ref(), change.after.as_ref());
    assert_eq!((updated.metadata.id, &change.changed), (id, &vec![UserField::FullName]));
    assert_eq!(updated.metadata.time, at("2026-11-21T16:46:39.045Z"));

    let made = event("made-by-another-program");
    assert_eq!(made.metadata.event_type, EventType::Registered);
    assert_eq!(made.metadata.time.timestamp_millis(), made.change.source.ts_ms);
}

#[test]
fn several_changes_of_one_user_in_one_transaction_are_told_apart() {
    for transaction in ["transaction", "compressed-transaction"] {
        let (first, second) = (event(&format!("{transaction}-1")), event(&format!("{transaction}-2")));
        assert_eq!(first.change.source.gtid, second.change.source.gtid);
        assert_ne!(first.metadata.id, second.metadata.id, "{transaction}");
    }
}

#[test]
fn what_tells_of_no_change_is_read_as_nothing() {
    let mut wrapped_tombstone = golden("stock-deleted");
    wrapped_tombstone["value"]["payload"] = Value::Null;
    let samples = ["stock-snapshot", "stock-tombstone", "stock-truncated", "stock-rehashed"].map(golden);
    for sample in samples.iter().chain([&wrapped_tombstone]) {
        assert_eq!(read_record(&record(sample)).unwrap(), None, "{}", sample["value"]["payload"]);
    }
}

/// A sample of an update, changed.
fn altered(alter: impl FnOnce(&mut Value)) -> WireRecord {
    let mut sample = golden("confirmed");
    alter(&mut sample["value"]);
    record(&sample)
}

#[test]
fn the_same_is_read_from_every_form_that_the_connector_can_be_set_to() {
    let expected = event("confirmed");
    let ids =
        ["AZAAAAAAcACAAAAAAAAK2g==", "AZAAAAAAcACAAAAAAAAK2g", "01900000000070008000000000000ADA", ADA_TEXT];
    for id in ids {
        let record = altered(|value| {
            value["before"]["id"] = id.into();
            value["after"]["id"] = id.into();
        });
        assert_eq!(read_record(&record).unwrap().unwrap(), expected, "{id}");
    }
    let times =
        [json!(1_767_326_400_000_i64), json!(1_767_326_400_000_000_000_i64), json!("2026-01-02T04:00:00Z")];
    for time in times {
        let record = altered(|value| value["after"]["lastUpdated"] = time.clone());
        assert_eq!(read_record(&record).unwrap().unwrap(), expected, "{time}");
    }
    let without_wrapper = altered(|value| value["futureField"] = json!({ "payload": 1 }));
    assert_eq!(read_record(&without_wrapper).unwrap().unwrap(), expected);
}

const ADA_TEXT: &str = "01900000-0000-7000-8000-000000000ada";

#[test]
fn without_a_readable_time_of_its_own_a_change_has_that_of_its_commit() {
    for time in [Value::Null, json!(-1), json!("yesterday"), json!(7)] {
        let record = altered(|value| value["after"]["lastUpdated"] = time);
        let event = read_record(&record).unwrap().unwrap();
        assert_eq!(event.metadata.time.timestamp_millis(), event.change.source.ts_ms);
    }
}

#[test]
fn what_is_missing_or_wrong_is_named_and_not_quoted() {
    type Breaks = fn(&mut Value);
    let cases: [(&str, Breaks); 9] = [
        ("lastEventId is not in `before`", |value| {
            drop(value["before"].as_object_mut().unwrap().remove("lastEventId"));
        }),
        ("securityVersion is not in `after`", |value| {
            drop(value["after"].as_object_mut().unwrap().remove("securityVersion"));
        }),
        ("email in `after` is not a text", |value| value["after"]["email"] = 7.into()),
        ("status in `after` is not a status", |value| value["after"]["status"] = "ada@old.example".into()),
        ("id in `after` is not a UUID", |value| value["after"]["id"] = "ada@old.example".into()),
        ("an update has `before` and `after`", |value| value["before"] = Value::Null),
        ("an update is of one user", |value| {
            value["before"]["id"] = "01900000000070008000000000000b0b".into();
        }),
        ("not of the table `users`", |value| value["source"]["table"] = "outbox".into()),
        ("no `op` and `source`", |value| value["op"] = "ada@old.example".into()),
    ];
    for (told, break_it) in cases {
        let error = read_record(&altered(break_it)).unwrap_err();
        for words in [error.to_string(), error.in_words()] {
            assert!(words.contains(told), "{told:?}: {words}");
            assert!(!words.contains("ada@"), "{words}");
        }
    }
}

/// JSON of any shape, with names and texts that the decoder knows among others.
fn any_json() -> impl Strategy<Value = Value> {
    let known = prop::sample::select(vec![
        "op",
        "before",
        "after",
        "source",
        "payload",
        "id",
        "lastEventId",
        "lastUpdated",
        "u",
        "c",
        "d",
        "mysql",
        "users",
    ]);
    let text = prop_oneof![known.prop_map(str::to_owned), ".*"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Every place in a JSON value, as a pointer.
fn places(value: &Value, here: &str) -> Vec<String> {
    let children: Vec<_> = match value {
        Value::Object(map) => {
            map.iter().flat_map(|(name, child)| places(child, &format!("{here}/{name}"))).collect()
        }
        _ => vec![],
    };
    [here.to_owned()].into_iter().chain(children).collect()
}

proptest! {
    #[test]
    fn no_json_makes_the_decoder_panic(value in any_json()) {
        let record = WireRecord { key: vec![], value: value.to_string().into_bytes(), headers: vec![] };
        let _either = read_record(&record);
    }

    #[test]
    fn no_change_to_a_sample_makes_the_decoder_panic(
        name in prop::sample::select(vec!["registered", "confirmed", "by-another-program", "deleted"]),
        place in any::<prop::sample::Index>(),
        value in any_json(),
    ) {
        let mut sample = golden(name);
        let places = places(&sample["value"], "");
        *sample["value"].pointer_mut(&places[place.index(places.len())]).unwrap() = value;
        let _either = read_record(&record(&sample));
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(value in prop::collection::vec(any::<u8>(), 0..64)) {
        let _either = read_record(&WireRecord { key: vec![], value, headers: vec![] });
    }
}
