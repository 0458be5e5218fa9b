use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// What the server does at a stage of the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Answers so.
    Say(&'static str),
    /// Hangs up.
    Drop,
    /// Never answers.
    Hang,
    /// Answers so after a while.
    SaySlowly(&'static str),
    /// As an answer to a message: takes it, and hangs up without saying so.
    TakeAndDrop,
    /// As an answer to a message: takes it, and never answers.
    TakeAndHang,
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
    /// To how many mails it answers so; those that follow go well.
    pub(crate) troubled: usize,
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
            troubled: usize::MAX,
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

impl Accepted {
    pub(crate) fn message_id(&self) -> String {
        let line = self.message.lines().find(|line| line.starts_with("Message-ID:"));
        line.unwrap().trim_start_matches("Message-ID:").trim().to_owned()
    }
}

/// How long a slow answer takes.
const SLOW: Duration = Duration::from_millis(100);

type OnCommand = Box<dyn Fn(&str) + Send>;

#[derive(Default)]
struct State {
    script: VecDeque<Session>,
    connections: usize,
    commands: Vec<String>,
    accepted: Vec<Accepted>,
    answers_to_rcpt: HashMap<String, &'static str>,
    on_command: Option<OnCommand>,
}

/// A port that nobody else gets, and that refuses connections until a server is started there.
pub(crate) struct SilentPort {
    socket: TcpSocket,
}

impl SilentPort {
    pub(crate) fn take() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self { socket }
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://{}", self.socket.local_addr().unwrap())
    }

    pub(crate) fn serve(self) -> SmtpServer {
        SmtpServer::on(self.socket.listen(1024).unwrap(), [])
    }
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
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), script)
    }

    fn on(listener: TcpListener, script: impl IntoIterator<Item = Session>) -> Self {
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

    /// Answers RCPT for that address so, on every connection.
    pub(crate) fn answer_rcpt(&self, address: &str, words: &'static str) {
        self.state.lock().unwrap().answers_to_rcpt.insert(format!("RCPT TO:<{address}>"), words);
    }

    /// Does this whenever a command has come, before it is answered.
    pub(crate) fn on_command(&self, happens: impl Fn(&str) + Send + 'static) {
        self.state.lock().unwrap().on_command = Some(Box::new(happens));
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
    let mut say = async |words: &str| writer.write_all(format!("{words}\r\n").as_bytes()).await.is_ok();
    match act {
        Act::Say(words) => say(words).await,
        Act::SaySlowly(words) => {
            tokio::time::sleep(SLOW).await;
            say(words).await
        }
        Act::Drop | Act::TakeAndDrop => false,
        Act::Hang | Act::TakeAndHang => std::future::pending().await,
    }
}

impl Act {
    fn says(self, first: char) -> bool {
        matches!(self, Self::Say(words) | Self::SaySlowly(words) if words.starts_with(first))
    }

    fn takes_the_message(self) -> bool {
        self.says('2') || matches!(self, Self::TakeAndDrop | Self::TakeAndHang)
    }
}

async fn serve(stream: TcpStream, mut session: Session, state: Arc<Mutex<State>>) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let (mut mail_from, mut rcpt_to, mut begun, mut mails) = (String::new(), String::new(), 0, 0);
    if !act(&mut writer, session.greeting).await {
        return;
    }
    while let Ok(Some(line)) = lines.next_line().await {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_owned();
        let answer_to_rcpt = {
            let mut state = state.lock().unwrap();
            state.commands.push(line.clone());
            if let Some(happens) = &state.on_command {
                happens(&verb);
            }
            state.answers_to_rcpt.get(&line).copied()
        };
        let reply = match verb.as_str() {
            "EHLO" => session.ehlo,
            "AUTH" => session.auth,
            "MAIL" => {
                mail_from = line;
                begun += 1;
                if begun > session.troubled {
                    session = Session { mails: session.mails, ..Session::default() };
                }
                session.mail
            }
            "RCPT" => {
                rcpt_to = line;
                answer_to_rcpt.map_or(session.rcpt, Act::Say)
            }
            "DATA" => session.data,
            "QUIT" => Act::Drop,
            _ => Act::Say("250 ok"),
        };
        if !act(&mut writer, reply).await {
            return;
        }
        if verb == "DATA" && reply.says('3') {
            let mut message = String::new();
            loop {
                let Ok(Some(line)) = lines.next_line().await else { return };
                if line == "." {
                    break;
                }
                message.push_str(line.strip_prefix('.').unwrap_or(&line));
                message.push_str("\r\n");
            }
            if session.message.takes_the_message() {
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
