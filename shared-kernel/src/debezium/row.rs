use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::DebeziumError;
use crate::{AccountStatus, EventId, Locale, UserId, UserRow, UserSnapshot};

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// One image of a row of `users`.
pub(super) struct Row<'a> {
    image: &'static str,
    columns: &'a Map<String, Value>,
}

impl UserRow for Row<'_> {
    type Error = DebeziumError;

    fn snapshot(&self) -> Result<UserSnapshot, DebeziumError> {
        let id = self.uuid("id")?.ok_or(self.bad("id", "a UUID"))?;
        let status = AccountStatus::from_name(self.text("status")?);
        Ok(UserSnapshot {
            id: UserId(id),
            username: self.text("username")?.to_owned(),
            email: self.text("email")?.to_owned(),
            pending_email: self.optional_text("pendingEmail")?,
            full_name: self.optional_text("fullName")?,
            status: status.ok_or(self.bad("status", "a status of an account"))?,
            locale: self.optional_text("locale")?.map(Locale::from).unwrap_or_default(),
        })
    }

    fn last_event_id(&self) -> Result<Option<EventId>, DebeziumError> {
        Ok(self.uuid("lastEventId")?.filter(|id| !id.is_nil()).map(EventId))
    }

    /// Debezium writes microseconds, milliseconds or nanoseconds since the Unix epoch, by `time.precision.mode`, or a text
    /// (<https://debezium.io/documentation/reference/stable/connectors/mysql.html#mysql-temporal-types>). Which unit it
    /// is, the size tells for every date from 1973 to 5138.
    fn last_updated(&self) -> Option<DateTime<Utc>> {
        let value = self.columns.get("lastUpdated")?;
        if let Some(text) = value.as_str() {
            return DateTime::parse_from_rfc3339(text).ok().map(|time| time.with_timezone(&Utc));
        }
        let number = value.as_i64()?;
        match number {
            100_000_000_000..100_000_000_000_000 => DateTime::from_timestamp_millis(number),
            100_000_000_000_000..100_000_000_000_000_000 => DateTime::from_timestamp_micros(number),
            100_000_000_000_000_000.. => Some(DateTime::from_timestamp_nanos(number)),
            _ => None,
        }
    }

    fn version(&self) -> Result<i64, DebeziumError> {
        self.number("version")
    }

    fn security_version(&self) -> Result<i64, DebeziumError> {
        self.number("securityVersion")
    }

    fn differs_in(&self, before: &Self, column: &str) -> bool {
        let (old, new) = (before.columns.get(column), self.columns.get(column));
        old.zip(new).is_some_and(|(old, new)| old != new)
    }
}

impl<'a> Row<'a> {
    pub(super) fn new(image: &'static str, columns: &'a Map<String, Value>) -> Self {
        Self { image, columns }
    }

    fn number(&self, column: &'static str) -> Result<i64, DebeziumError> {
        self.column(column)?.as_i64().ok_or(self.bad(column, "an integer"))
    }

    fn column(&self, column: &'static str) -> Result<&'a Value, DebeziumError> {
        self.columns.get(column).ok_or(DebeziumError::MissingColumn { image: self.image, column })
    }

    fn text(&self, column: &'static str) -> Result<&'a str, DebeziumError> {
        self.column(column)?.as_str().ok_or(self.bad(column, "a text"))
    }

    fn optional_text(&self, column: &'static str) -> Result<Option<String>, DebeziumError> {
        match self.columns.get(column) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.bad(column, "a text")),
        }
    }

    /// A `BINARY(16)` in any form of `binary.handling.mode`: base64 (what JSON makes of bytes, too), base64 for URLs, hex.
    fn uuid(&self, column: &'static str) -> Result<Option<Uuid>, DebeziumError> {
        let value = self.column(column)?;
        if value.is_null() {
            return Ok(None);
        }
        let text = value.as_str().ok_or(self.bad(column, "a UUID"))?;
        let decoded = || BASE64.decode(text).or_else(|_| BASE64_URL.decode(text)).ok();
        let uuid = Uuid::try_parse(text).ok().or_else(|| Uuid::from_slice(&decoded()?).ok());
        uuid.map(Some).ok_or(self.bad(column, "a UUID"))
    }

    fn bad(&self, column: &'static str, expected: &'static str) -> DebeziumError {
        DebeziumError::BadColumn { image: self.image, column, expected }
    }
}
