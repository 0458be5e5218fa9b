//! What is appended, and what is read.

use std::fmt;

use serde_json::Value;

/// A record to append.
///
/// `Debug` shows sizes, not contents, which may be personal data.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct NewRecord {
    /// Decides the partition: records of one key are read in the order in which they were appended.
    pub key: Vec<u8>,
    /// The content.
    pub value: Vec<u8>,
    /// Names and values, kept in this order; names may repeat.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl fmt::Debug for NewRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewRecord")
            .field("key_bytes", &self.key.len())
            .field("value_bytes", &self.value.len())
            .field("headers", &self.headers.len())
            .finish()
    }
}

/// Where a record is within its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// From 0.
    pub partition: u32,
    /// From 0, without gaps within a partition, in the order in which appends were committed.
    pub offset: u64,
}

/// A record that was read.
///
/// `Debug` shows the place and sizes, not contents, which may be personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it is.
    pub place: Place,
    /// As appended.
    pub key: Vec<u8>,
    /// As appended.
    pub value: Vec<u8>,
    /// As appended, in the same order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// When it was appended, in milliseconds since 1970 by the database's clock. Not necessarily rising: clocks
    /// can be set back.
    pub appended_at_ms: i64,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("place", &self.place)
            .field("key_bytes", &self.key.len())
            .field("value_bytes", &self.value.len())
            .field("headers", &self.headers.len())
            .field("appended_at_ms", &self.appended_at_ms)
            .finish()
    }
}

/// Headers as a JSON array of `[name, value]`, a value being a string where it is UTF-8 and else an array of bytes:
/// readable in any SQL client.
pub(crate) fn encode_headers(headers: &[(String, Vec<u8>)]) -> String {
    let pairs = headers.iter().map(|(name, value)| {
        let value = match std::str::from_utf8(value) {
            Ok(text) => Value::from(text),
            Err(_) => Value::from(value.as_slice()),
        };
        Value::Array(vec![Value::from(name.as_str()), value])
    });
    Value::Array(pairs.collect()).to_string()
}

/// The inverse of [`encode_headers`]; `None` for what it doesn't write.
pub(crate) fn decode_headers(encoded: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let pairs: Vec<(String, Value)> = serde_json::from_str(encoded).ok()?;
    let decode = |(name, value)| match value {
        Value::String(text) => Some((name, text.into_bytes())),
        Value::Array(bytes) => {
            let bytes = bytes.iter().map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok()));
            Some((name, bytes.collect::<Option<_>>()?))
        }
        _ => None,
    };
    pairs.into_iter().map(decode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_in_order_whatever_their_bytes() {
        let headers = vec![
            ("ce_id".to_owned(), b"42".to_vec()),
            ("ce_id".to_owned(), "quote \" and \u{0} and é".as_bytes().to_vec()),
            (String::new(), vec![]),
            ("raw".to_owned(), vec![0xff, 0, 0x80]),
        ];
        assert_eq!(decode_headers(&encode_headers(&headers)), Some(headers));
        assert_eq!(decode_headers(&encode_headers(&[])), Some(vec![]));
    }

    #[test]
    fn text_headers_are_stored_as_text() {
        let headers = [("ce_type".to_owned(), b"updated".to_vec())];
        assert_eq!(encode_headers(&headers), r#"[["ce_type","updated"]]"#);
    }

    #[test]
    fn foreign_headers_are_refused() {
        for encoded in ["", "{}", r#"[["a"]]"#, r#"[["a",1]]"#, r#"[["a",[256]]]"#, r#"[["a",["b"]]]"#] {
            assert_eq!(decode_headers(encoded), None, "{encoded}");
        }
    }

    #[test]
    fn debug_output_tells_no_content() {
        let record = NewRecord { key: b"k".to_vec(), value: b"ada@example.org".to_vec(), headers: vec![] };
        assert!(!format!("{record:?}").contains("ada"));
        let place = Place { partition: 1, offset: 2 };
        let NewRecord { key, value, headers } = record;
        let read = Record { place, key, value, headers, appended_at_ms: 0 };
        assert!(!format!("{read:?}").contains("ada"));
    }
}
