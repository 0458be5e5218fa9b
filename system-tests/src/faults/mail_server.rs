//! A mail server that keeps every mail and makes trouble on demand.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use super::evidence::{AcceptedMail, RefusedMail};
use super::fault::{Stage, Trouble};
use super::told::Told;

/// Of the mails that can be refused for good, every so-manieth is.
const ONE_IN: u32 = 4;

/// A mail server with an entrance for each notifier, so that it knows who hands a mail over. It ends with the value.
pub(crate) struct MailServer {
    ports: [u16; 2],
    shared: Arc<Shared>,
    _running: [AbortOnDropHandle<()>; 2],
}

struct Shared {
    began: Instant,
    trouble: watch::Sender<Option<(Stage, Trouble)>>,
    permanent: AtomicU32,
    accepted: Mutex<Vec<AcceptedMail>>,
    refused: Mutex<Vec<RefusedMail>>,
    /// Wakes those who wait for a mail.
    news: watch::Sender<usize>,
}

impl MailServer {
    pub(crate) async fn start(began: Instant) -> Self {
        let shared = Arc::new(Shared {
            began,
            trouble: watch::Sender::new(None),
            permanent: AtomicU32::new(0),
            accepted: Mutex::default(),
            refused: Mutex::default(),
            news: watch::Sender::new(0),
        });
        let listeners = [
            TcpListener::bind("127.0.0.1:0").await.expect("a port is free"),
            TcpListener::bind("127.0.0.1:0").await.expect("a port is free"),
        ];
        let port =
            |listener: &TcpListener| listener.local_addr().expect("a bound listener has an address").port();
        let ports = [port(&listeners[0]), port(&listeners[1])];
        let mut notifier = 0;
        let _running = listeners.map(|listener| {
            let (from, shared) = (notifier, Arc::clone(&shared));
            notifier += 1;
            AbortOnDropHandle::new(tokio::spawn(accept(listener, from, shared)))
        });
        Self { ports, shared, _running }
    }

    /// Where each notifier goes to.
    pub(crate) fn ports(&self) -> [u16; 2] {
        self.ports
    }

    /// Makes trouble for that time.
    pub(crate) async fn make_trouble(&self, stage: Stage, trouble: Trouble, time: Duration) {
        self.shared.trouble.send_replace(Some((stage, trouble)));
        sleep(time).await;
        self.shared.trouble.send_replace(None);
    }

    /// Every mail that was accepted, and every one that was refused for good.
    pub(crate) fn mails(&self) -> (Vec<AcceptedMail>, Vec<RefusedMail>) {
        (locked(&self.shared.accepted).clone(), locked(&self.shared.refused).clone())
    }

    /// How many were accepted.
    pub(crate) fn count(&self) -> usize {
        locked(&self.shared.accepted).len()
    }

    /// The token of the link that was mailed to that address, once it is there; `None` after that time.
    pub(crate) async fn token(&self, to: &str, limit: Duration) -> Option<String> {
        let mut news = self.shared.news.subscribe();
        let look = async {
            loop {
                news.borrow_and_update();
                let found = locked(&self.shared.accepted)
                    .iter()
                    .find(|mail| {
                        mail.told.key.as_ref().is_some_and(|key| key.to == to) && mail.told.token.is_some()
                    })
                    .and_then(|mail| mail.told.token.clone());
                if found.is_some() || news.changed().await.is_err() {
                    return found;
                }
            }
        };
        tokio::time::timeout(limit, look).await.ok().flatten()
    }
}

impl Shared {
    /// What the trouble of now is, at that stage and for this client.
    fn trouble_at(&self, stage: Stage) -> Option<Trouble> {
        let (at, trouble) = (*self.trouble.borrow())?;
        let ends_the_mail = trouble == Trouble::Permanent
            && matches!(stage, Stage::Recipient | Stage::Data | Stage::Body | Stage::Message);
        let is_met = at == stage
            && (!ends_the_mail || self.permanent.fetch_add(1, Ordering::Relaxed).is_multiple_of(ONE_IN));
        is_met.then_some(trouble)
    }

    fn refuse(&self, to: &str, told: Option<Told>) {
        locked(&self.refused).push(RefusedMail { to: to.to_owned(), told });
    }

    fn accept(&self, notifier: usize, told: Told) {
        let at = self.began.elapsed();
        locked(&self.accepted).push(AcceptedMail { at, notifier, told });
        self.news.send_modify(|count| *count += 1);
    }
}

fn locked<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, notifier: usize, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let mut client = Client { stream: BufStream::new(stream), notifier, shared: Arc::clone(&shared) };
        tokio::spawn(async move { client.serve().await });
    }
}

/// One connection of a notifier.
struct Client {
    stream: BufStream<TcpStream>,
    notifier: usize,
    shared: Arc<Shared>,
}

impl Client {
    /// Until it leaves, or is left.
    async fn serve(&mut self) -> Option<()> {
        let shared = Arc::clone(&self.shared);
        let mut to = String::new();
        self.answer(Stage::Greeting, shared.trouble_at(Stage::Greeting), "220 mail.example ESMTP").await?;
        loop {
            let line = self.hear().await?;
            let line = String::from_utf8_lossy(&line).into_owned();
            let stage = match line.split([' ', ':']).next()? {
                "EHLO" | "HELO" => Stage::Hello,
                "MAIL" => Stage::Sender,
                "RCPT" => Stage::Recipient,
                "DATA" => Stage::Data,
                _ => {
                    self.say("250 ok").await?;
                    continue;
                }
            };
            if stage == Stage::Recipient {
                to = line.trim_start_matches("RCPT TO:<").split('>').next()?.to_owned();
            }
            let trouble = shared.trouble_at(stage);
            if trouble == Some(Trouble::Permanent) && matches!(stage, Stage::Recipient | Stage::Data) {
                shared.refuse(&to, None);
            }
            let words = if stage == Stage::Data { "354 go on" } else { "250 ok" };
            self.answer(stage, trouble, words).await?;
            if stage == Stage::Data && trouble.is_none() {
                self.take_message(&to).await?;
            }
        }
    }

    /// Reads a message, and keeps it unless there is trouble before its end.
    async fn take_message(&mut self, to: &str) -> Option<()> {
        let shared = Arc::clone(&self.shared);
        let body = shared.trouble_at(Stage::Body);
        let mut message = Vec::new();
        loop {
            let line = self.hear().await?;
            if line == b"." {
                break;
            }
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            message.extend_from_slice(b"\r\n");
            // Headers alone are about so long.
            if message.len() > 700 && matches!(body, Some(Trouble::Hang | Trouble::Drop)) {
                return self.answer(Stage::Body, body, "").await;
            }
        }
        let told = Told::of(&message, to);
        let trouble = body.or_else(|| shared.trouble_at(Stage::Message));
        match trouble {
            Some(Trouble::Temporary) => {}
            Some(Trouble::Permanent) => shared.refuse(to, Some(told)),
            // Whoever hangs up now has the mail.
            None | Some(Trouble::Hang | Trouble::Drop) => shared.accept(self.notifier, told),
        }
        self.answer(Stage::Message, trouble, "250 accepted").await
    }

    /// Says these words, or makes trouble in their place. `None` when the connection is over.
    async fn answer(&mut self, stage: Stage, trouble: Option<Trouble>, words: &str) -> Option<()> {
        match trouble {
            None => self.say(words).await,
            Some(Trouble::Drop) => None,
            Some(Trouble::Hang) => {
                let mut trouble = self.shared.trouble.subscribe();
                // Fails only when the server is gone.
                let _over = trouble.wait_for(Option::is_none).await;
                None
            }
            Some(Trouble::Temporary) => self.refuse(stage, "451 4.3.0 not now").await,
            Some(Trouble::Permanent) => self.refuse(stage, "554 5.7.1 not this one").await,
        }
    }

    /// At the greeting that is the end of the connection.
    async fn refuse(&mut self, stage: Stage, words: &str) -> Option<()> {
        self.say(words).await?;
        (stage != Stage::Greeting).then_some(())
    }

    async fn say(&mut self, words: &str) -> Option<()> {
        self.stream.write_all(format!("{words}\r\n").as_bytes()).await.ok()?;
        self.stream.flush().await.ok()
    }

    async fn hear(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        let read = self.stream.read_until(b'\n', &mut line).await.ok()?;
        while line.last().is_some_and(|last| matches!(last, b'\r' | b'\n')) {
            line.pop();
        }
        (read > 0).then_some(line)
    }
}
