use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{EventId, EventType, UserChange, UserId};

/// How the names of all types begin, and what stands before the number of the version.
const TYPE_PREFIX: &str = "inf-user.user.";
const VERSION: &str = ".v";

/// An event of a newer user-service, which this build cannot understand and need not: it is carried as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewerEvent {
    /// `ce_id`.
    pub id: EventId,
    /// `ce_type`.
    pub type_name: String,
    /// `ce_time`.
    pub time: DateTime<Utc>,
    /// `ce_subject` and the record's key.
    pub subject: UserId,
    /// The W3C trace context of the request that made the change.
    pub traceparent: Option<String>,
    /// The value: a JSON object.
    pub payload: String,
    /// Whether it tells of a changed row, and is no mere request.
    pub changes_a_row: bool,
}

/// What a build sees in the type and the payload of an event that was stored.
#[derive(Debug)]
pub enum Understood {
    /// All of it.
    Event(EventType, Box<UserChange>),
    /// That it is of a newer version: a type or fields that this build does not know. And whether it changes a row.
    Newer {
        /// Whether it tells of a changed row.
        changes_a_row: bool,
    },
}

impl Understood {
    /// What this build sees in them. An event whose type it knows and whose fields it knows only in part is newer too: to
    /// write it again would lose the rest.
    ///
    /// # Errors
    ///
    /// Why it is no event of any version.
    pub fn of(type_name: &str, payload: &str) -> Result<Self, String> {
        let Some(event_type) = EventType::from_name(type_name) else {
            return of_unknown_type(type_name, payload);
        };
        let not_a_change = |error| format!("the payload is not a user change: {error}");
        let change: UserChange = serde_json::from_str(payload).map_err(not_a_change)?;
        let again = serde_json::to_string(&change).expect("a user change has string keys");
        // As this build writes it, which is nearly always so.
        if again == payload {
            return Ok(Self::Event(event_type, Box::new(change)));
        }
        let (stored, again): (Value, Value) = (
            serde_json::from_str(payload).map_err(not_a_change)?,
            serde_json::from_str(&again).expect("what was written can be read"),
        );
        if holds(&again, &stored) {
            Ok(Self::Event(event_type, Box::new(change)))
        } else {
            Ok(Self::Newer { changes_a_row: change.op.is_some() })
        }
    }
}

fn of_unknown_type(type_name: &str, payload: &str) -> Result<Understood, String> {
    let unknown = || format!("the event type {type_name:?} is not known to this build");
    let (_what, version) =
        type_name.strip_prefix(TYPE_PREFIX).and_then(|name| name.rsplit_once(VERSION)).ok_or_else(unknown)?;
    version.parse::<u32>().map_err(|_| unknown())?;
    match serde_json::from_str(payload) {
        Ok(Value::Object(fields)) => {
            Ok(Understood::Newer { changes_a_row: fields.get("op").is_some_and(|op| !op.is_null()) })
        }
        _ => Err(format!("the payload of {type_name:?} is not a JSON object")),
    }
}

/// Whether all that is in `part` is in `whole`; a field that is null may be missing.
fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, value)| holds(whole.get(name).unwrap_or(&Value::Null), value))
        }
        (whole, part) => whole == part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGE: &str = r#"{"before":null,"after":{"id":"018f0000-0000-7000-8000-000000000001","username":"ada",
        "email":"ada@old.example","status":"Confirmed"},"version":7,"securityVersion":3,"source":{"connector":"inf-user",
        "capture":"outbox","db":"userdata","table":"users","ts_ms":0},"ts_ms":0}"#;

    #[test]
    fn what_an_older_build_has_written_is_understood() {
        let understood = Understood::of("inf-user.user.confirmation-requested.v1", CHANGE).unwrap();
        assert!(
            matches!(understood, Understood::Event(EventType::ConfirmationRequested, _)),
            "{understood:?}"
        );
    }

    #[test]
    fn a_type_a_version_and_a_field_that_nobody_knows_yet_are_newer() {
        let with_a_field = CHANGE.replace(r#""ada@old.example""#, r#""ada@old.example","phone":"1""#);
        for (name, payload, changes) in [
            ("inf-user.user.renamed.v1", CHANGE.to_owned(), false),
            ("inf-user.user.updated.v2", r#"{"op":"u"}"#.to_owned(), true),
            ("inf-user.user.confirmation-requested.v1", with_a_field, false),
        ] {
            let understood = Understood::of(name, &payload).unwrap();
            assert!(
                matches!(understood, Understood::Newer { changes_a_row } if changes_a_row == changes),
                "{name}: {understood:?}"
            );
        }
    }

    #[test]
    fn what_is_of_no_version_is_refused() {
        for (name, payload) in [
            ("other.v9", CHANGE),
            ("inf-user.user.renamed", CHANGE),
            ("inf-user.user.renamed.vx", CHANGE),
            ("inf-user.user.renamed.v2", "no json"),
            ("inf-user.user.renamed.v2", "[]"),
            ("inf-user.user.updated.v1", "{}"),
        ] {
            assert!(Understood::of(name, payload).is_err(), "{name}: {payload}");
        }
    }
}
