use shared_kernel::{WireRecord, decode, encode, read_record};

/// The value of a record without headers, as Debezium's are: it is read or refused, and the event that it is read as
/// can be told as one of ours.
pub(crate) fn check(data: &[u8]) {
    let record = WireRecord { key: Vec::new(), value: data.to_vec(), headers: Vec::new() };
    match read_record(&record) {
        Ok(Some(event)) => {
            let ours = encode(&event);
            assert_eq!(decode(&ours).expect("what we write can be read"), event);
            let told = String::from_utf8(ours.value).expect("JSON is UTF-8");
            assert!(!told.contains("$argon2"), "the hash of a password left the database: {told}");
        }
        Ok(None) => {}
        Err(error) => assert!(!error.in_words().is_empty()),
    }
}
