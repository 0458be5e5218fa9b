//! One SMTP connection: `mailin` keeps the state of the dialogue, this file does the rest.
//!
//! The rest is reading and writing, time and size limits, and what `mailin` 0.6 does not do itself: the null
//! reverse-path `<>`, the `SIZE` and `SMTPUTF8` parameters of `MAIL`, and announcing these extensions.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use mailin::{Action, Handler, Response, SessionBuilder};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::lines::{Line, read_line};
use super::message::Envelope;
use super::store::Mailbox;

const SERVER_NAME: &str = "mailbox.localhost";
const MAX_MESSAGE: usize = 10 * 1024 * 1024;
const MAX_COMMAND_LINE: usize = 4 * 1024;
/// A line longer than this makes its message too large by itself. (Two more: a stuffed dot, and the excess.)
const MAX_DATA_LINE: usize = MAX_MESSAGE + 2;
const IDLE: Duration = Duration::from_secs(5 * 60);
/// What `mailin` is given for `<>`, which its grammar has not: no address holds it.
const NULL_PATH: &str = "\0";

/// What a command line is to become before `mailin` sees it.
#[derive(Debug, PartialEq)]
enum Prepared {
    AsIs,
    Rewritten(Vec<u8>),
    Refused(Response),
}

/// Serves one connection to its end: `QUIT`, silence, shutdown or a broken line. Calls `before_data` whenever the next
/// thing to read is a mail's text.
pub(super) async fn serve<S>(
    stream: S,
    peer: IpAddr,
    mailbox: Mailbox,
    shutdown: CancellationToken,
    before_data: impl Fn(&S),
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    let mut session = SessionBuilder::new(SERVER_NAME).build(peer, Receiver::new(mailbox));
    write(&mut stream, &session.greeting().buffer()?).await?;
    let mut line = Vec::new();
    let (mut in_mail, mut in_data) = (false, false);
    loop {
        let limit = if in_data { MAX_DATA_LINE } else { MAX_COMMAND_LINE };
        let read = tokio::select! {
            biased;
            () = shutdown.cancelled(), if !in_mail => {
                return write(&mut stream, b"421 4.3.2 The mailbox is shutting down\r\n").await;
            }
            read = timeout(IDLE, read_line(&mut stream, &mut line, limit)) => read,
        };
        let Ok(read) = read else {
            return write(&mut stream, b"421 4.4.2 Nothing heard for 5 minutes\r\n").await;
        };
        let read = read?;
        if read == Line::Closed {
            return Ok(());
        }
        if in_data {
            let response = session.process(&line);
            if response.action != Action::NoReply {
                (in_mail, in_data) = (false, false);
                write(&mut stream, &response.buffer()?).await?;
            }
            continue;
        }
        if read == Line::Cut {
            write(&mut stream, b"500 5.5.2 Line too long\r\n").await?;
            continue;
        }
        let response = match prepare(&line) {
            Prepared::AsIs => session.process(&line),
            Prepared::Rewritten(line) => session.process(&line),
            Prepared::Refused(response) => response,
        };
        match response.code {
            354 => in_data = true,
            250 if has_verb(&line, b"MAIL") => in_mail = true,
            250 if has_verb(&line, b"RSET") || has_verb(&line, b"EHLO") || has_verb(&line, b"HELO") => {
                in_mail = false;
            }
            _ => {}
        }
        if response.code == 250 && has_verb(&line, b"EHLO") {
            write(&mut stream, extensions().as_bytes()).await?;
        } else {
            write(&mut stream, &response.buffer()?).await?;
        }
        if response.action == Action::Close {
            return Ok(());
        }
        if in_data {
            before_data(stream.get_ref());
        }
    }
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> io::Result<()> {
    timeout(IDLE, async {
        stream.write_all(bytes).await?;
        stream.flush().await
    })
    .await
    .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

fn has_verb(line: &[u8], verb: &[u8; 4]) -> bool {
    line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(verb))
}

fn extensions() -> String {
    format!(
        "250-{SERVER_NAME}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-PIPELINING\r\n250 SIZE {MAX_MESSAGE}\r\n"
    )
}

/// Reads the parameters of `MAIL`, and leaves `mailin` a line without them. Other commands stay as they are, and so
/// does what makes no sense: `mailin` has the answers to that.
fn prepare(line: &[u8]) -> Prepared {
    const MAIL_FROM: &str = "MAIL FROM:";
    let Some((path, parameters)) = std::str::from_utf8(line)
        .ok()
        .and_then(|line| line.split_at_checked(MAIL_FROM.len()))
        .filter(|(command, _)| command.eq_ignore_ascii_case(MAIL_FROM))
        .and_then(|(_, rest)| rest.trim_start_matches(' ').strip_prefix('<'))
        .and_then(|rest| rest.split_once('>'))
    else {
        return Prepared::AsIs;
    };
    for parameter in parameters.split_ascii_whitespace() {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match (name.to_ascii_uppercase().as_str(), value.to_ascii_uppercase().as_str()) {
            ("BODY", "7BIT" | "8BITMIME") | ("SMTPUTF8", "") => {}
            ("SIZE", size) => match size.parse::<u64>() {
                Ok(size) if size <= MAX_MESSAGE as u64 => {}
                Ok(_) => return Prepared::Refused(too_large()),
                Err(_) => return Prepared::Refused(Response::custom(501, "5.5.4 SIZE is a number".into())),
            },
            _ => {
                let message = "5.5.4 MAIL has a parameter that was not announced".into();
                return Prepared::Refused(Response::custom(555, message));
            }
        }
    }
    let path = if path.is_empty() { NULL_PATH } else { path };
    Prepared::Rewritten(format!("{MAIL_FROM}<{path}>\r\n").into_bytes())
}

fn too_large() -> Response {
    Response::custom(552, format!("5.3.4 A message may have {MAX_MESSAGE} bytes"))
}

/// What `mailin` tells of a mail as it comes in, collected until the mail is whole.
struct Receiver {
    mailbox: Mailbox,
    envelope: Envelope,
    data: Vec<u8>,
    too_large: bool,
}

impl Receiver {
    fn new(mailbox: Mailbox) -> Self {
        Self { mailbox, envelope: Envelope::default(), data: Vec::new(), too_large: false }
    }
}

impl Handler for Receiver {
    fn data_start(&mut self, _domain: &str, from: &str, _is8bit: bool, to: &[String]) -> Response {
        let sender = if from == NULL_PATH { "" } else { from };
        self.envelope = Envelope { sender: sender.to_owned(), recipients: to.to_vec() };
        self.data = Vec::new();
        self.too_large = false;
        mailin::response::OK
    }

    fn data(&mut self, line: &[u8]) -> io::Result<()> {
        self.too_large |= self.data.len() + line.len() > MAX_MESSAGE;
        if self.too_large {
            self.data = Vec::new();
        } else {
            self.data.extend_from_slice(line);
        }
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        if self.too_large {
            // An answer that is an error would leave `mailin` reading data.
            let mut answer = too_large();
            answer.is_error = false;
            return answer;
        }
        let (envelope, data) = (std::mem::take(&mut self.envelope), std::mem::take(&mut self.data));
        self.mailbox.deliver(envelope, data.into());
        mailin::response::OK
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt, duplex};

    use super::*;

    fn rewritten(line: &str) -> Prepared {
        Prepared::Rewritten(line.as_bytes().to_vec())
    }

    #[test]
    fn parameters_of_mail_are_read_and_taken_off() {
        assert_eq!(
            prepare(b"mail from:<a@b.example> SIZE=100 BODY=8BITMIME SMTPUTF8\r\n"),
            rewritten("MAIL FROM:<a@b.example>\r\n")
        );
        assert_eq!(prepare(b"MAIL FROM: <a@b.example>\r\n"), rewritten("MAIL FROM:<a@b.example>\r\n"));
        assert_eq!(prepare(b"MAIL FROM:<>\r\n"), rewritten("MAIL FROM:<\0>\r\n"));
        assert_eq!(prepare(b"MAIL FROM:a@b.example\r\n"), Prepared::AsIs);
        assert_eq!(prepare(b"RCPT TO:<a@b.example>\r\n"), Prepared::AsIs);
    }

    #[test]
    fn parameters_of_mail_that_cannot_be_honoured_are_refused() {
        for (parameter, code) in
            [("SIZE=10485761", 552), ("SIZE=ten", 501), ("AUTH=<>", 555), ("BODY=BINARYMIME", 555)]
        {
            let Prepared::Refused(response) = prepare(format!("MAIL FROM:<a@b> {parameter}\r\n").as_bytes())
            else {
                panic!("{parameter} was let through");
            };
            assert_eq!(response.code, code, "{parameter}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_is_closed_after_five_minutes() {
        let (mut client, server) = duplex(1024);
        let began = tokio::time::Instant::now();
        let (peer, mailbox) = (Ipv4Addr::LOCALHOST.into(), Mailbox::new());
        let served = tokio::spawn(serve(server, peer, mailbox, CancellationToken::new(), |_| {}));
        let mut heard = String::new();
        client.read_to_string(&mut heard).await.unwrap();
        served.await.unwrap().unwrap();
        assert_eq!(began.elapsed().as_secs(), 300);
        assert!(heard.starts_with("220 ") && heard.contains("\r\n421 "), "{heard}");
    }
}
