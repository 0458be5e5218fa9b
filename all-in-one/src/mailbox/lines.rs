//! SMTP lines: read up to CRLF, and never more than a limit into memory.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// How reading a line ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A whole line, CRLF included.
    Whole,
    /// A line longer than the limit: its first `limit` bytes were kept, the rest was read and dropped.
    Cut,
    /// The peer closed before a line was whole.
    Closed,
}

/// Reads one line into `line`, replacing what was there.
///
/// Only CRLF ends a line. A lone LF that did would let a mail's text end the mail for this server and not for the
/// one it goes to in production.
pub(super) async fn read_line<R>(reader: &mut R, line: &mut Vec<u8>, limit: usize) -> io::Result<Line>
where
    R: AsyncBufRead + Unpin,
{
    line.clear();
    let mut cut = false;
    let mut previous = 0;
    loop {
        let available = reader.fill_buf().await?;
        let Some(last_available) = available.len().checked_sub(1) else { return Ok(Line::Closed) };
        let last = available.iter().position(|byte| *byte == b'\n').unwrap_or(last_available);
        let before_last = if last == 0 { previous } else { available[last - 1] };
        let ended = before_last == b'\r' && available[last] == b'\n';
        previous = available[last];
        let kept = (last + 1).min(limit.saturating_sub(line.len()));
        line.extend_from_slice(&available[..kept]);
        cut |= kept <= last;
        reader.consume(last + 1);
        if ended {
            return Ok(if cut { Line::Cut } else { Line::Whole });
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::BufReader;

    use super::*;

    async fn lines(input: &[u8], buffer: usize, limit: usize) -> Vec<(Line, String)> {
        let mut reader = BufReader::with_capacity(buffer, input);
        let mut read = Vec::new();
        loop {
            let mut line = Vec::new();
            let end = read_line(&mut reader, &mut line, limit).await.unwrap();
            if end == Line::Closed {
                return read;
            }
            read.push((end, String::from_utf8(line).unwrap()));
        }
    }

    #[tokio::test]
    async fn only_crlf_ends_a_line_however_the_bytes_arrive() {
        for buffer in 1..12 {
            assert_eq!(
                lines(b"NOOP\r\na\nb\rc\r\n\r\nunfinished", buffer, 100).await,
                [
                    (Line::Whole, "NOOP\r\n".to_owned()),
                    (Line::Whole, "a\nb\rc\r\n".to_owned()),
                    (Line::Whole, "\r\n".to_owned()),
                ],
                "with {buffer} bytes at a time"
            );
        }
    }

    #[tokio::test]
    async fn a_long_line_is_cut_and_the_next_one_is_whole() {
        for buffer in 1..12 {
            assert_eq!(
                lines(b"abcdefgh\r\nijk\r\n", buffer, 5).await,
                [(Line::Cut, "abcde".to_owned()), (Line::Whole, "ijk\r\n".to_owned())],
                "with {buffer} bytes at a time"
            );
        }
    }
}
