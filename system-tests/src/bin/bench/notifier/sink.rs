use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use crate::Failure;
use crate::clock::now;
use crate::progress::Progress;
use crate::sampler::has_ended;

const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// For so long no mail may come when there are some to come.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// When the server's host acknowledges what it has received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acknowledges {
    /// With its next answer, or after 40 milliseconds.
    AsLinuxDoes,
    /// At once (`TCP_QUICKACK`).
    AtOnce,
}

/// What the server keeps of mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// Recipients and messages.
    All,
    /// Nothing but how many there were, and when.
    Nothing,
}

/// An SMTP server that accepts everything.
pub(super) struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
    _serving: AbortOnDropHandle<()>,
}

/// A recipient, and the message as it was sent.
type Message = (String, Vec<u8>);

struct Shared {
    acknowledges: Acknowledges,
    keeps: Keeps,
    accepted: AtomicU64,
    /// When the first and the last mail were accepted, in microseconds since 1970.
    first: AtomicU64,
    last: AtomicU64,
    kept: Mutex<Vec<Message>>,
}

impl Sink {
    pub(super) async fn start(acknowledges: Acknowledges, keeps: Keeps) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            acknowledges,
            keeps,
            accepted: AtomicU64::new(0),
            first: AtomicU64::new(u64::MAX),
            last: AtomicU64::new(0),
            kept: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        let serving = AbortOnDropHandle::new(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                // A client that hangs up has ended.
                tokio::spawn(async move { drop(shared.serve(stream).await) });
            }
        }));
        Ok(Self { address, shared, _serving: serving })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was sent.
    pub(super) fn kept(&self) -> Vec<Message> {
        std::mem::take(&mut *self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until it has accepted so many mails from a process, and tells when the first and the last of them were.
    ///
    /// Fails when the process ends before, when nothing comes for long, or when there are more.
    pub(super) async fn until(
        &self,
        wanted: u64,
        process: u32,
        what: &str,
    ) -> Result<(Duration, Duration), Failure> {
        let mut progress = Progress::new(what, wanted);
        let (mut seen, mut moved) = (0, now());
        while seen < wanted {
            let accepted = self.shared.accepted.load(Ordering::Acquire);
            if accepted > seen {
                (seen, moved) = (accepted, now());
            } else if has_ended(process) {
                return Err(format!("{what}: the process ended with {seen} of {wanted} mails sent").into());
            } else if now() - moved > LONGEST_SILENCE {
                return Err(format!("{what}: no mail came any more after {seen} of {wanted}").into());
            }
            progress.at(seen);
            sleep(LOOK_INTERVAL).await;
        }
        progress.end();
        if seen > wanted {
            return Err(format!("{what}: {seen} mails for {wanted} events").into());
        }
        let time = |of: &AtomicU64| Duration::from_micros(of.load(Ordering::Acquire));
        Ok((time(&self.shared.first), time(&self.shared.last)))
    }
}

impl Shared {
    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = BufStream::new(stream);
        let (mut line, mut recipient) = (Vec::new(), String::new());
        answer(&mut stream, "220 sink ESMTP").await?;
        while self.read_line(&mut stream, &mut line).await? {
            let command = String::from_utf8_lossy(&line).trim_end().to_ascii_uppercase();
            if command.starts_with("EHLO") {
                answer(&mut stream, "250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8").await?;
            } else if command.starts_with("RCPT") {
                recipient = bracketed(&String::from_utf8_lossy(&line));
                answer(&mut stream, "250 ok").await?;
            } else if command == "DATA" {
                answer(&mut stream, "354 go on").await?;
                let message = self.read_message(&mut stream, &mut line).await?;
                self.accept(&recipient, message);
                answer(&mut stream, "250 accepted").await?;
            } else {
                answer(&mut stream, if command == "QUIT" { "221 bye" } else { "250 ok" }).await?;
            }
        }
        Ok(())
    }

    /// Whether there was one more.
    async fn read_line(
        &self,
        stream: &mut BufStream<TcpStream>,
        line: &mut Vec<u8>,
    ) -> std::io::Result<bool> {
        line.clear();
        let read = stream.read_until(b'\n', line).await?;
        if self.acknowledges == Acknowledges::AtOnce {
            // Linux forgets it after a while.
            stream.get_ref().set_quickack(true)?;
        }
        Ok(read > 0)
    }

    /// Up to the line with the dot alone. Dots that were added to lines are left.
    async fn read_message(
        &self,
        stream: &mut BufStream<TcpStream>,
        line: &mut Vec<u8>,
    ) -> std::io::Result<Vec<u8>> {
        let mut message = Vec::new();
        while self.read_line(stream, line).await? && line != b".\r\n" {
            message.extend_from_slice(line);
        }
        Ok(message)
    }

    fn accept(&self, recipient: &str, message: Vec<u8>) {
        let now = u64::try_from(now().as_micros()).unwrap_or(u64::MAX);
        self.first.fetch_min(now, Ordering::AcqRel);
        self.last.fetch_max(now, Ordering::AcqRel);
        if self.keeps == Keeps::All {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push((recipient.to_owned(), message));
        }
        self.accepted.fetch_add(1, Ordering::AcqRel);
    }
}

fn bracketed(text: &str) -> String {
    let inner = text.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map(|(address, _)| address.to_owned()).unwrap_or_default()
}

async fn answer(stream: &mut BufStream<TcpStream>, words: &str) -> std::io::Result<()> {
    stream.write_all(words.as_bytes()).await?;
    stream.write_all(b"\r\n").await?;
    stream.flush().await
}
