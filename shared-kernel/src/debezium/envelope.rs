use serde::Deserialize;
use serde_json::{Map, Value};

use super::DebeziumError;
use super::row::Row;
use crate::{BinlogPlace, ChangeSource};

/// A change event's value, without the wrapper. Fields that are not named here are tolerated.
#[derive(Deserialize)]
pub(super) struct Envelope {
    pub(super) op: String,
    #[serde(default)]
    before: Option<Map<String, Value>>,
    #[serde(default)]
    after: Option<Map<String, Value>>,
    pub(super) source: Source,
    /// When the connector took the change up.
    #[serde(default)]
    pub(super) ts_ms: i64,
}

/// Where the change comes from.
#[derive(Deserialize)]
pub(super) struct Source {
    connector: String,
    db: String,
    #[serde(default)]
    table: Option<String>,
    ts_ms: i64,
    #[serde(default)]
    server_id: u64,
    #[serde(default)]
    gtid: Option<String>,
    file: String,
    pos: u64,
    #[serde(default)]
    row: u64,
}

impl Envelope {
    /// Takes the value out of the wrapper, where there is one. `None` for a wrapped tombstone.
    pub(super) fn parse(value: &[u8]) -> Result<Option<Self>, DebeziumError> {
        let mut value: Value = serde_json::from_slice(value).map_err(DebeziumError::BadJson)?;
        if value.get("op").is_none()
            && let Some(payload) = value.get_mut("payload")
        {
            value = payload.take();
        }
        if value.is_null() {
            return Ok(None);
        }
        // The cause would quote what stands in the wrong place.
        let envelope: Self = serde_json::from_value(value).map_err(|_| DebeziumError::BadEnvelope)?;
        if envelope.source.connector != "mysql" {
            return Err(DebeziumError::BadEnvelope);
        }
        if envelope.source.table.as_deref() != Some("users") {
            return Err(DebeziumError::OtherTable);
        }
        Ok(Some(envelope))
    }

    pub(super) fn before(&self) -> Option<Row<'_>> {
        self.before.as_ref().map(|columns| Row::new("before", columns))
    }

    pub(super) fn after(&self) -> Option<Row<'_>> {
        self.after.as_ref().map(|columns| Row::new("after", columns))
    }
}

impl Source {
    pub(super) fn place(&self) -> BinlogPlace<'_> {
        BinlogPlace {
            gtid: self.gtid.as_deref(),
            server_id: self.server_id,
            file: &self.file,
            pos: self.pos,
            row: self.row,
            committed_ms: self.ts_ms,
        }
    }

    pub(super) fn as_captured(&self) -> ChangeSource {
        ChangeSource {
            connector: self.connector.clone(),
            capture: "debezium".to_owned(),
            db: self.db.clone(),
            table: "users".to_owned(),
            ts_ms: self.ts_ms,
            gtid: self.gtid.clone(),
            file: Some(self.file.clone()),
            pos: Some(self.pos),
        }
    }
}
