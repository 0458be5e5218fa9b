//! How an event becomes a record of the topic and back: CloudEvents 1.0 in binary mode, that is the
//! attributes as headers and the JSON as the value.

use chrono::{DateTime, SecondsFormat, SubsecRound as _, Utc};
use thiserror::Error;
use uuid::Uuid;

use crate::{EventId, EventMetadata, EventType, NewerEvent, UserChange, UserEvent, UserId};

/// `ce_source` of every event that user-service publishes.
pub const CE_SOURCE: &str = "/inf-user/user-service";

/// Later versions may have more than the 55 characters of today.
const MAX_TRACEPARENT: usize = 255;

const CONTENT_TYPE: &str = "application/json";

/// One record as a broker sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireRecord {
    /// The user id as a lower-case hyphenated UUID: what partitions are chosen by.
    pub key: Vec<u8>,
    /// The JSON of a [`UserChange`].
    pub value: Vec<u8>,
    /// CloudEvents attributes, `content-type`, and `traceparent` where there is one.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// Why a record cannot be understood. None of these can be helped by trying again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A header that the contract demands is missing.
    #[error("the header {0} is missing")]
    MissingHeader(&'static str),
    /// A header does not hold what it must hold.
    #[error("the header {name} holds {found:?}, expected {expected}")]
    BadHeader {
        /// The header.
        name: &'static str,
        /// What it holds, shortened.
        found: String,
        /// What it may hold.
        expected: &'static str,
    },
    /// The event type or its version is not known to this build.
    #[error("the event type {0:?} is not known")]
    UnknownType(String),
    /// The value is not the JSON of a user change.
    #[error("the value is not a user change")]
    BadValue(#[source] serde_json::Error),
    /// The value contradicts itself or its headers.
    #[error("the event contradicts itself: {0}")]
    Inconsistent(&'static str),
}

/// Writes an event as a record. Infallible for every event that the types allow.
pub fn encode(event: &UserEvent) -> WireRecord {
    let UserEvent { metadata, change } = event;
    let value = serde_json::to_vec(change).expect("a user change has string keys and no failing serializer");
    let EventMetadata { id, event_type, time, subject, traceparent } = metadata;
    record_of(*id, event_type.as_str(), *time, *subject, traceparent.as_deref(), value)
}

/// Writes an event that this build does not know as a record, with the value that was stored.
pub fn encode_newer(event: &NewerEvent) -> WireRecord {
    let NewerEvent { id, type_name, time, subject, traceparent, payload, changes_a_row: _ } = event;
    record_of(*id, type_name, *time, *subject, traceparent.as_deref(), payload.clone().into_bytes())
}

fn record_of(
    id: EventId,
    type_name: &str,
    time: DateTime<Utc>,
    subject: UserId,
    traceparent: Option<&str>,
    value: Vec<u8>,
) -> WireRecord {
    let mut headers = vec![
        header("ce_specversion", "1.0"),
        header("ce_id", id.0.to_string()),
        header("ce_source", CE_SOURCE),
        header("ce_type", type_name),
        header("ce_time", time.to_rfc3339_opts(SecondsFormat::Micros, true)),
        header("ce_subject", subject.to_string()),
        header("content-type", CONTENT_TYPE),
    ];
    headers.extend(traceparent.map(|traceparent| header("traceparent", traceparent)));
    WireRecord { key: subject.to_string().into_bytes(), value, headers }
}

/// Reads a record back.
///
/// The user id is taken from the value and not from the key, which another producer may write
/// differently.
///
/// # Errors
///
/// [`DecodeError`] when the record does not follow the contract; the same record never will.
pub fn decode(record: &WireRecord) -> Result<UserEvent, DecodeError> {
    let spec_version = required(record, "ce_specversion")?;
    if !spec_version.starts_with("1.") {
        return Err(bad("ce_specversion", spec_version, "a 1.x version of CloudEvents"));
    }
    let type_name = required(record, "ce_type")?;
    let event_type =
        EventType::from_name(type_name).ok_or_else(|| DecodeError::UnknownType(shortened(type_name)))?;
    let id = required(record, "ce_id")?;
    let id = Uuid::parse_str(id).map_err(|_| bad("ce_id", id, "a UUID"))?;
    let time = required(record, "ce_time")?;
    let time = DateTime::parse_from_rfc3339(time)
        .map_err(|_| bad("ce_time", time, "an RFC 3339 time"))?
        .with_timezone(&Utc)
        // As exact as events are.
        .trunc_subsecs(6);
    let traceparent = optional(record, "traceparent")?.filter(|text| is_traceparent(text));
    let traceparent = traceparent.map(str::to_owned);
    let change: UserChange = serde_json::from_slice(&record.value).map_err(DecodeError::BadValue)?;
    let subject = consistent_subject(event_type, &change)?;
    Ok(UserEvent {
        metadata: EventMetadata { id: EventId(id), event_type, time, subject, traceparent },
        change,
    })
}

fn consistent_subject(event_type: EventType, change: &UserChange) -> Result<UserId, DecodeError> {
    let (before, after) = (change.before.as_ref(), change.after.as_ref());
    match (event_type, before, after) {
        (EventType::Registered, None, Some(user))
        | (EventType::PasswordResetRequested | EventType::ConfirmationRequested, None, Some(user))
        | (EventType::Deleted, Some(user), None) => Ok(user.id),
        (EventType::Updated, Some(before), Some(after)) if before.id == after.id => Ok(after.id),
        (EventType::Registered, ..) => Err(DecodeError::Inconsistent("a registration has `after` alone")),
        (EventType::Updated, ..) => {
            Err(DecodeError::Inconsistent("an update has `before` and `after` of one user"))
        }
        (EventType::Deleted, ..) => Err(DecodeError::Inconsistent("a deletion has `before` alone")),
        (EventType::PasswordResetRequested | EventType::ConfirmationRequested, ..) => {
            Err(DecodeError::Inconsistent("a request has `after` alone"))
        }
    }
}

/// Whether it looks like a trace context of W3C's (<https://www.w3.org/TR/trace-context/#traceparent-header>). Nobody misses
/// a mail because of one that does not.
fn is_traceparent(text: &str) -> bool {
    text.len() <= MAX_TRACEPARENT && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'))
}

fn header(name: &str, value: impl Into<String>) -> (String, Vec<u8>) {
    (name.to_owned(), value.into().into_bytes())
}

fn required<'a>(record: &'a WireRecord, name: &'static str) -> Result<&'a str, DecodeError> {
    optional(record, name)?.ok_or(DecodeError::MissingHeader(name))
}

fn optional<'a>(record: &'a WireRecord, name: &'static str) -> Result<Option<&'a str>, DecodeError> {
    let Some((_, value)) = record.headers.iter().find(|(candidate, _)| candidate == name) else {
        return Ok(None);
    };
    match std::str::from_utf8(value) {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(bad(name, &String::from_utf8_lossy(value), "UTF-8 text")),
    }
}

fn bad(name: &'static str, found: &str, expected: &'static str) -> DecodeError {
    DecodeError::BadHeader { name, found: shortened(found), expected }
}

/// What a stranger wrote goes into logs and headers only in part.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountStatus, ChangeSource, Locale, Op, UserField, UserSnapshot};

    fn snapshot(email: &str) -> UserSnapshot {
        UserSnapshot {
            id: UserId(Uuid::from_u128(7)),
            username: "ada".into(),
            email: email.into(),
            pending_email: None,
            full_name: Some("Ada".into()),
            status: AccountStatus::Unconfirmed,
            locale: Locale::PtBr,
        }
    }

    fn updated() -> UserEvent {
        UserEvent {
            metadata: EventMetadata {
                id: EventId(Uuid::from_u128(1)),
                event_type: EventType::Updated,
                time: DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap(),
                subject: UserId(Uuid::from_u128(7)),
                traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
            },
            change: UserChange {
                op: Some(Op::Update),
                before: Some(snapshot("ada@old.example")),
                after: Some(snapshot("ada@new.example")),
                changed: vec![UserField::Email, UserField::Address],
                version: 2,
                security_version: 2,
                source: ChangeSource::outbox(1_700_000_000_123),
                ts_ms: 1_700_000_000_200,
            },
        }
    }

    #[test]
    fn what_is_encoded_is_decoded_unchanged() {
        let event = updated();
        assert_eq!(decode(&encode(&event)).unwrap(), event);
    }

    #[test]
    fn a_newer_services_columns_fields_and_languages_are_tolerated() {
        let mut record = encode(&updated());
        let mut value: serde_json::Value = serde_json::from_slice(&record.value).unwrap();
        value["after"]["shoeSize"] = 43.into();
        value["after"]["locale"] = "tlh".into();
        value["changed"] = serde_json::json!(["shoeSize"]);
        record.value = value.to_string().into_bytes();
        let event = decode(&record).unwrap();
        assert_eq!(event.change.changed, [UserField::Other("shoeSize".into())]);
        assert_eq!(event.change.after.unwrap().locale, Locale::En);
    }

    #[test]
    fn each_broken_part_is_named() {
        type Breaks = fn(&mut WireRecord);
        let cases: [(&str, Breaks, &str); 7] = [
            ("no id", |r| r.headers.retain(|(n, _)| n != "ce_id"), "ce_id"),
            ("id no uuid", |r| set(r, "ce_id", b"x"), "ce_id"),
            ("time no time", |r| set(r, "ce_time", b"yesterday"), "ce_time"),
            ("type of the future", |r| set(r, "ce_type", b"inf-user.user.updated.v9"), "updated.v9"),
            ("header no utf-8", |r| set(r, "traceparent", b"\xff"), "traceparent"),
            ("value no json", |r| r.value = b"{".to_vec(), "not a user change"),
            ("update called deletion", |r| set(r, "ce_type", b"inf-user.user.deleted.v1"), "`before` alone"),
        ];
        for (name, break_it, told) in cases {
            let mut record = encode(&updated());
            break_it(&mut record);
            let error = decode(&record).expect_err(name).to_string();
            assert!(error.contains(told), "{name}: {error}");
        }
    }

    fn set(record: &mut WireRecord, name: &str, value: &[u8]) {
        for (candidate, held) in &mut record.headers {
            if candidate == name {
                *held = value.to_vec();
            }
        }
    }
}
