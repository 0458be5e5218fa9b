use shared_kernel::{WireRecord, decode, encode, read_record};

/// A record whose headers are the lines before the first empty one, as `name: value`, and whose value is the rest: it is
/// read or refused, and what is read is the same when it is written and read again.
pub(crate) fn check(data: &[u8]) {
    let (headers, value) = match data.windows(2).position(|two| two == b"\n\n") {
        Some(end) => (&data[..end], &data[end + 2..]),
        None => (data, &[][..]),
    };
    let headers = headers.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.windows(2).position(|two| two == b": ")?;
        Some((String::from_utf8_lossy(&line[..colon]).into_owned(), line[colon + 2..].to_vec()))
    });
    let record = WireRecord { key: b"key".to_vec(), value: value.to_vec(), headers: headers.collect() };
    match decode(&record) {
        Ok(event) => {
            let again = decode(&encode(&event)).expect("what we write can be read");
            assert_eq!(again, event);
        }
        Err(error) => assert!(!error.to_string().contains(['\n', '\r']), "a reason is one line: {error:?}"),
    }
    if let Err(error) = read_record(&record) {
        assert!(!error.in_words().is_empty());
    }
}
