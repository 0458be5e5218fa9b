//! Records of a topic in a file: each part of a record behind its length.

use std::io::{self, ErrorKind, Read, Write};

use rdkafka::Message as _;
use rdkafka::message::{BorrowedMessage, Headers as _};

/// A record as it was kept. It is read into again and again, so that reading costs next to nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct KeptRecord {
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

/// Appends a record.
pub(super) fn write(file: &mut impl Write, message: &BorrowedMessage<'_>) -> io::Result<()> {
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    let headers: Vec<_> =
        headers.map(|header| (header.key.as_bytes(), header.value.unwrap_or_default())).collect();
    write_parts(file, message.key().unwrap_or_default(), message.payload().unwrap_or_default(), &headers)
}

/// Appends a record of those parts.
pub(crate) fn write_parts(
    file: &mut impl Write,
    key: &[u8],
    value: &[u8],
    headers: &[(&[u8], &[u8])],
) -> io::Result<()> {
    write_part(file, key)?;
    write_part(file, value)?;
    write_length(file, headers.len())?;
    for (name, value) in headers {
        write_part(file, name)?;
        write_part(file, value)?;
    }
    Ok(())
}

fn write_part(file: &mut impl Write, part: &[u8]) -> io::Result<()> {
    write_length(file, part.len())?;
    file.write_all(part)
}

fn write_length(file: &mut impl Write, length: usize) -> io::Result<()> {
    let length = u32::try_from(length).map_err(|_| io::Error::other("a record is larger than 4 GiB"))?;
    file.write_all(&length.to_le_bytes())
}

impl KeptRecord {
    /// Reads the next record; `false` at the end of the file.
    pub(crate) fn read(&mut self, file: &mut impl Read) -> io::Result<bool> {
        match read_part(file, &mut self.key) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(false),
            result => result?,
        }
        read_part(file, &mut self.value)?;
        self.headers.resize_with(read_length(file)?, Default::default);
        for (name, value) in &mut self.headers {
            let mut bytes = std::mem::take(name).into_bytes();
            read_part(file, &mut bytes)?;
            *name = String::from_utf8(bytes).map_err(io::Error::other)?;
            read_part(file, value)?;
        }
        Ok(true)
    }
}

fn read_part(file: &mut impl Read, part: &mut Vec<u8>) -> io::Result<()> {
    part.resize(read_length(file)?, 0);
    file.read_exact(part)
}

fn read_length(file: &mut impl Read) -> io::Result<usize> {
    let mut length = [0; 4];
    file.read_exact(&mut length)?;
    Ok(u32::from_le_bytes(length) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back() {
        let mut file = Vec::new();
        write_parts(&mut file, b"key", b"value", &[(b"ce_id", b"7"), (b"empty", b"")]).unwrap();
        write_parts(&mut file, b"", b"second", &[]).unwrap();
        let (mut file, mut record) = (file.as_slice(), KeptRecord::default());
        assert!(record.read(&mut file).unwrap());
        let headers = vec![("ce_id".to_owned(), b"7".to_vec()), ("empty".to_owned(), Vec::new())];
        assert_eq!(record, KeptRecord { key: b"key".into(), value: b"value".into(), headers });
        assert!(record.read(&mut file).unwrap());
        assert_eq!(record, KeptRecord { key: Vec::new(), value: b"second".into(), headers: Vec::new() });
        assert!(!record.read(&mut file).unwrap());
    }
}
