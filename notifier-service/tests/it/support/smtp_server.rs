use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};

/// What the server does at a stage of the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Answers so.
    Say(&'static str),
    /// Hangs up.
    Drop,
    /// Never answers.
    Hang,
}

/// One connection, stage by stage; what is not told otherwise goes well.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Session {
    pub(crate) greeting: Act,
    pub(crate) ehlo: Act,
    pub(crate) auth: Act,
    pub(crate) mail: Act,
    pub(crate) rcpt: Act,
    pub(crate) data: Act,
    /// After the message's final dot.
    pub(crate) message: Act,
    /// Hangs up after that many mails, without a word.
    pub(crate) mails: usize,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            greeting: Act::Say("220 test ESMTP"),
            ehlo: Act::Say("250-test\r\n250-8BITMIME\r\n250-AUTH PLAIN\r\n250 SMTPUTF8"),
            auth: Act::Say("235 welcome"),
            mail: Act::Say("250 ok"),
            rcpt: Act::Say("250 ok"),
            data: Act::Say("354 go on"),
            message: Act::Say("250 accepted"),
            mails: usize::MAX,
        }
    }
}

/// A mail that the server took.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    pub(crate) mail_from: String,
    pub(crate) rcpt_to: String,
    pub(crate) message: String,
}

#[derive(Default)]
struct State {
    script: VecDeque<Session>,
    connections: usize,
    commands: Vec<String>,
    accepted: Vec<Accepted>,
}

/// An SMTP server of the test's own, that does as it is told.
pub(crate) struct SmtpServer {
    port: u16,
    state: Arc<Mutex<State>>,
    task: tokio::task::JoinHandle<()>,
}

impl SmtpServer {
    /// Starts on a free port. The first connections follow the script, all others go well.
    pub(crate) async fn start(script: impl IntoIterator<Item = Session>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State { script: script.into_iter().collect(), ..State::default() }));
        let shared = state.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let session = {
                    let mut state = shared.lock().unwrap();
                    state.connections += 1;
                    state.script.pop_front().unwrap_or_default()
                };
                tokio::spawn(serve(stream, session, shared.clone()));
            }
        });
        Self { port, state, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    pub(crate) fn url_with_password(&self) -> String {
        format!("smtp://user:secret@127.0.0.1:{}", self.port)
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    pub(crate) fn commands(&self) -> Vec<String> {
        self.state.lock().unwrap().commands.clone()
    }

    pub(crate) fn accepted(&self) -> Vec<Accepted> {
        self.state.lock().unwrap().accepted.clone()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether the dialogue goes on.
async fn act(writer: &mut OwnedWriteHalf, act: Act) -> bool {
    match act {
        Act::Say(words) => writer.write_all(format!("{words}\r\n").as_bytes()).await.is_ok(),
        Act::Drop => false,
        Act::Hang => std::future::pending().await,
    }
}

async fn serve(stream: TcpStream, session: Session, state: Arc<Mutex<State>>) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let (mut mail_from, mut rcpt_to, mut mails) = (String::new(), String::new(), 0);
    if !act(&mut writer, session.greeting).await {
        return;
    }
    while let Ok(Some(line)) = lines.next_line().await {
        state.lock().unwrap().commands.push(line.clone());
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_owned();
        let reply = match verb.as_str() {
            "EHLO" => session.ehlo,
            "AUTH" => session.auth,
            "MAIL" => {
                mail_from = line;
                session.mail
            }
            "RCPT" => {
                rcpt_to = line;
                session.rcpt
            }
            "DATA" => session.data,
            "QUIT" => Act::Drop,
            _ => Act::Say("250 ok"),
        };
        if !act(&mut writer, reply).await {
            return;
        }
        if verb == "DATA" && matches!(reply, Act::Say(words) if words.starts_with('3')) {
            let mut message = String::new();
            loop {
                let Ok(Some(line)) = lines.next_line().await else { return };
                if line == "." {
                    break;
                }
                message.push_str(line.strip_prefix('.').unwrap_or(&line));
                message.push_str("\r\n");
            }
            if matches!(session.message, Act::Say(words) if words.starts_with('2')) {
                let accepted = Accepted { mail_from: mail_from.clone(), rcpt_to: rcpt_to.clone(), message };
                state.lock().unwrap().accepted.push(accepted);
            }
            if !act(&mut writer, session.message).await {
                return;
            }
            mails += 1;
            if mails >= session.mails {
                return;
            }
        }
    }
}
