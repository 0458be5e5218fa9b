use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Where a [`GatedSink`] lets its clients wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Before the answer to DATA: the mail was not handed over yet.
    BeforeMessage,
    /// Before the answer to a message that was accepted: only the sink knows that it was.
    AfterAcceptance,
}

/// An SMTP server that can keep its clients waiting at a point of the dialogue.
pub struct GatedSink {
    url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// A mail that was accepted, in the order of acceptance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// The address of RCPT.
    pub to: String,
    /// `Message-ID`, without its brackets.
    pub message_id: String,
}

type Mailbox = Arc<Mutex<Vec<Arrived>>>;

struct Shared {
    mailbox: Mailbox,
    own: Mutex<Vec<Arrived>>,
    gate: watch::Sender<Option<Gate>>,
    held: AtomicUsize,
    in_transit: AtomicUsize,
}

impl GatedSink {
    /// Starts one on a free port; it ends with the value.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start() -> Self {
        Self::with(Mailbox::default()).await
    }

    /// Starts another one, whose mails arrive in the same mailbox.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start_beside(&self) -> Self {
        Self::with(Arc::clone(&self.shared.mailbox)).await
    }

    async fn with(mailbox: Mailbox) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (gate, own) = (watch::Sender::new(None), Mutex::default());
        let (held, in_transit) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let shared = Arc::new(Shared { mailbox, own, gate, held, in_transit });
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&serving)));
            }
        });
        Self { url: format!("smtp://{address}"), shared, task }
    }

    /// What a service's SMTP URL is set to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Every mail of the mailbox, whichever sink accepted it.
    pub fn mailbox(&self) -> Vec<Arrived> {
        self.shared.mailbox.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The mails that this sink accepted.
    pub fn accepted(&self) -> Vec<Arrived> {
        self.shared.own.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on, clients wait there.
    pub fn close(&self, gate: Gate) {
        self.shared.gate.send_replace(Some(gate));
    }

    /// How many are waiting.
    pub fn held(&self) -> usize {
        self.shared.held.load(Ordering::SeqCst)
    }

    /// How many messages were invited and did not arrive yet.
    pub fn in_transit(&self) -> usize {
        self.shared.in_transit.load(Ordering::SeqCst)
    }

    /// Nobody waits any more.
    pub fn open(&self) {
        self.shared.gate.send_replace(None);
    }
}

impl Drop for GatedSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    /// Counts before it looks at the gate: when that is closed and nothing is in transit, nothing will be.
    async fn invite(&self) {
        loop {
            self.in_transit.fetch_add(1, Ordering::SeqCst);
            if *self.gate.borrow() != Some(Gate::BeforeMessage) {
                return;
            }
            self.in_transit.fetch_sub(1, Ordering::SeqCst);
            self.pass(Gate::BeforeMessage).await;
        }
    }

    fn arrived(&self, mail: Arrived) {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).push(mail.clone());
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
    }

    async fn pass(&self, gate: Gate) {
        let mut state = self.gate.subscribe();
        if *state.borrow() != Some(gate) {
            return;
        }
        self.held.fetch_add(1, Ordering::SeqCst);
        // Fails only when the sink is gone, and with it the test.
        let _opened = state.wait_for(|state| *state != Some(gate)).await;
        self.held.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Serves one client until it leaves.
async fn serve(stream: TcpStream, shared: Arc<Shared>) -> Option<()> {
    let mut stream = BufStream::new(stream);
    let mut to = String::new();
    say(&mut stream, "220 sink ESMTP").await?;
    loop {
        let line = hear(&mut stream).await?;
        match line.split([' ', ':']).next()? {
            "RCPT" => {
                to = line.trim_start_matches("RCPT TO:<").trim_end_matches('>').to_owned();
                say(&mut stream, "250 ok").await?;
            }
            "DATA" => {
                shared.invite().await;
                say(&mut stream, "354 go on").await?;
                let message_id = message(&mut stream).await;
                if let Some(message_id) = message_id.clone() {
                    shared.arrived(Arrived { to: to.clone(), message_id });
                }
                shared.in_transit.fetch_sub(1, Ordering::SeqCst);
                message_id?;
                shared.pass(Gate::AfterAcceptance).await;
                say(&mut stream, "250 accepted").await?;
            }
            _ => say(&mut stream, "250 ok").await?,
        }
    }
}

/// Reads a message to its end, and returns its `Message-ID`.
async fn message(stream: &mut BufStream<TcpStream>) -> Option<String> {
    let mut message_id = String::new();
    loop {
        let line = hear(stream).await?;
        if line == "." {
            return Some(message_id);
        }
        if let Some(id) = line.strip_prefix("Message-ID: ") {
            message_id = id.trim_matches(['<', '>']).to_owned();
        }
    }
}

async fn say(stream: &mut BufStream<TcpStream>, words: &str) -> Option<()> {
    stream.write_all(format!("{words}\r\n").as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

async fn hear(stream: &mut BufStream<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}
