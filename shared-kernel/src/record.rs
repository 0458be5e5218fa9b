use thiserror::Error;

use crate::debezium::{self, DebeziumError};
use crate::{DecodeError, UserEvent, WireRecord, decode, in_words};

/// A record that nobody can read. None of these can be helped by trying again.
///
/// What it says of itself may be logged; [`in_words`](Self::in_words) tells more.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UnreadableRecord {
    /// It says that it is an event of ours and does not follow the contract.
    #[error(transparent)]
    Ours(DecodeError),
    /// It is neither an event of ours nor a change by Debezium.
    #[error("no event of inf-user ({ours}) and no change by Debezium ({debezium})")]
    Neither {
        /// Why it is no event of ours.
        ours: DecodeError,
        /// Why it is no change by Debezium.
        debezium: DebeziumError,
    },
}

impl UnreadableRecord {
    /// The error with all causes, which may quote the record.
    pub fn in_words(&self) -> String {
        match self {
            Self::Ours(error) => in_words(error),
            Self::Neither { ours, debezium } => {
                let (ours, debezium) = (in_words(ours), in_words(debezium));
                format!("no event of inf-user ({ours}) and no change by Debezium ({debezium})")
            }
        }
    }
}

/// Reads a record of the topic, whoever captured the change: our own relay, or a Debezium MySQL connector.
///
/// `None` for a record of Debezium's that tells of no change, such as a tombstone or a row read in a snapshot.
///
/// # Errors
///
/// [`UnreadableRecord`]; the same record will never be read.
pub fn read_record(record: &WireRecord) -> Result<Option<UserEvent>, UnreadableRecord> {
    match decode(record) {
        Ok(event) => Ok(Some(event)),
        Err(ours @ DecodeError::MissingHeader("ce_specversion")) => {
            debezium::decode(record).map_err(|debezium| UnreadableRecord::Neither { ours, debezium })
        }
        Err(ours) => Err(UnreadableRecord::Ours(ours)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(value: &[u8], headers: &[(&str, &str)]) -> WireRecord {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
        WireRecord { key: b"k".to_vec(), value: value.to_vec(), headers: headers.collect() }
    }

    #[test]
    fn what_is_neither_is_refused_with_both_reasons() {
        let told = |value: &[u8]| read_record(&record(value, &[])).unwrap_err().to_string();
        let no_json = told(b"not an event");
        assert!(no_json.contains("ce_specversion") && no_json.contains("not JSON"), "{no_json}");
        assert!(told(br#"{"op":"u","source":{"connector":"postgresql"}}"#).contains("MySQL connector"));
        assert!(told(b"{}").contains("MySQL connector"));
    }

    #[test]
    fn what_says_that_it_is_ours_is_nothing_else() {
        let error = read_record(&record(b"", &[("ce_specversion", "1.0")])).unwrap_err();
        assert_eq!(error.to_string(), "the header ce_type is missing");
        assert_eq!(error.in_words(), error.to_string());
    }
}
