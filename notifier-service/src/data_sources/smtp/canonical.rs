//! The "relaxed" forms of RFC 6376, section 3.4, in which a message is hashed: mail servers may change white
//! space on the way.

/// One header as it stands in a message.
pub(super) struct Header<'m> {
    /// Its name.
    pub(super) name: &'m str,
    /// What is behind the colon, without the last line break.
    value: &'m [u8],
}

impl<'m> Header<'m> {
    /// Reads one header, which may be folded. One without a colon is all value.
    pub(super) fn of(line: &'m [u8]) -> Self {
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = colon.map_or((&line[..0], line), |at| (&line[..at], &line[at + 1..]));
        Self { name: str::from_utf8(name).unwrap_or_default().trim_end(), value }
    }
}

/// The headers of a message in their order, and its body.
pub(super) fn headers_and_body(message: &[u8]) -> (Vec<Header<'_>>, &[u8]) {
    let mut headers = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(end) = find(&message[at..], b"\r\n").map(|end| at + end) {
        if end == start {
            return (headers, &message[end + 2..]);
        }
        at = end + 2;
        if !message[at..].starts_with(b" ") && !message[at..].starts_with(b"\t") {
            headers.push(Header::of(&message[start..end]));
            start = at;
        }
    }
    (headers, &[])
}

/// Name in lower case, on one line, each run of white space as one blank, none around the value.
pub(super) fn relaxed_header(header: &Header<'_>) -> Vec<u8> {
    let unfolded: Vec<u8> =
        header.value.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let mut relaxed = header.name.to_ascii_lowercase().into_bytes();
    relaxed.push(b':');
    relaxed.extend(single_blanks(&unfolded).trim_ascii());
    relaxed
}

/// Each run of white space in a line as one blank, none at its end, no empty lines at the end.
pub(super) fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut relaxed = Vec::with_capacity(body.len());
    let (mut rest, mut empty_lines) = (body, 0);
    while !rest.is_empty() {
        let end = find(rest, b"\r\n").unwrap_or(rest.len());
        let line = single_blanks(&rest[..end]);
        let line = line.trim_ascii_end();
        rest = rest.get(end + 2..).unwrap_or_default();
        if line.is_empty() {
            empty_lines += 1;
            continue;
        }
        relaxed.extend(b"\r\n".repeat(empty_lines));
        empty_lines = 0;
        relaxed.extend(line);
        relaxed.extend(b"\r\n");
    }
    relaxed
}

fn single_blanks(line: &[u8]) -> Vec<u8> {
    let mut single: Vec<u8> = Vec::with_capacity(line.len());
    for byte in line {
        match byte {
            b' ' | b'\t' if single.last() == Some(&b' ') => {}
            b' ' | b'\t' => single.push(b' '),
            other => single.push(*other),
        }
    }
    single
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 6376, section 3.4.5.
    const MESSAGE: &[u8] = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n";

    #[test]
    fn the_example_of_the_standard_is_hashed_as_it_says() {
        let (headers, body) = headers_and_body(MESSAGE);
        let headers: Vec<_> =
            headers.iter().map(|header| String::from_utf8(relaxed_header(header)).unwrap()).collect();
        assert_eq!(headers, ["a:X", "b:Y Z"]);
        assert_eq!(relaxed_body(body), b" C\r\nD E\r\n");
    }

    #[test]
    fn empty_lines_count_only_before_others_and_the_last_line_is_ended() {
        for (body, relaxed) in
            [("", ""), ("\r\n\r\n", ""), ("a\r\n\r\n \t\r\nb", "a\r\n\r\n\r\nb\r\n"), ("a\r\n", "a\r\n")]
        {
            assert_eq!(relaxed_body(body.as_bytes()), relaxed.as_bytes(), "{body:?}");
        }
    }

    #[test]
    fn a_message_without_a_body_has_only_headers() {
        let (headers, body) = headers_and_body(b"A: X\r\n b\r\nC: d\r\n\r\n");
        assert_eq!((headers.len(), body), (2, &b""[..]));
    }
}
