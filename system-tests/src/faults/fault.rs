//! What can go wrong, and in how many ways.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;

/// What one of our processes does. There are two of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "they are the commands of the services")]
pub enum Role {
    Serve,
    Relay,
    Notifier,
}

/// A server that the services use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "they are the servers' names")]
pub enum Server {
    Database,
    Kafka,
}

/// A way between processes, with a proxy on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Link {
    /// From user-service, serving and relaying, to the database.
    Accounts,
    /// From the notifiers to the database.
    Ledger,
    /// From everybody to Kafka.
    Kafka,
    /// From that notifier to the mail server.
    Mail(usize),
}

/// What a proxy does to the connections on its link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wiring {
    /// All are closed at once; new ones are let through.
    Cut,
    /// All are closed, and new ones are refused.
    Refuse,
    /// What is sent gets lost, in both directions, and nobody is told.
    BlackHole,
    /// The server's side is closed and the client's is not, so that it waits for an answer.
    HalfOpen,
    /// Everything takes that much longer.
    Delay(Duration),
    /// So many bytes a second, in each direction of each connection.
    Throttle(u32),
}

/// Where in the dialogue the mail server makes trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Instead of the greeting.
    Greeting,
    /// At EHLO.
    Hello,
    /// At MAIL FROM.
    Sender,
    /// At RCPT TO.
    Recipient,
    /// At DATA.
    Data,
    /// In the middle of the message.
    Body,
    /// At the end of the message. Who hangs or hangs up here has accepted the mail.
    Message,
}

/// What the mail server does there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// Says nothing any more.
    Hang,
    /// Hangs up.
    Drop,
    /// 4xx.
    Temporary,
    /// 5xx. From RCPT on to every fourth client only, since it ends the mail.
    Permanent,
}

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL, and started again after that time.
    Kill(Role, usize, Duration),
    /// SIGTERM, and started again when it has ended.
    Restart(Role, usize),
    /// SIGSTOP, and SIGCONT after that time.
    Stop(Role, usize, Duration),
    /// SIGKILL of a server, and started again after that time.
    KillServer(Server, Duration),
    /// SIGTERM of a server, and started again when it has ended.
    RestartServer(Server),
    /// The connections of a link, for that time.
    Wire(Link, Wiring, Duration),
    /// The mail server, for that time.
    Mail(Stage, Trouble, Duration),
    /// The clock of user-service is wrong by so many seconds, for that time.
    Clock(i32, Duration),
}

const ROLES: [Role; 3] = [Role::Serve, Role::Relay, Role::Notifier];
const STAGES: [Stage; 7] = [
    Stage::Greeting,
    Stage::Hello,
    Stage::Sender,
    Stage::Recipient,
    Stage::Data,
    Stage::Body,
    Stage::Message,
];
/// Longer than a lease of the campaign's notifiers and than the time after which a database forgets a relay's lock.
const PAST_LEASES: std::ops::Range<u64> = 14_000..17_000;

impl Fault {
    /// One of all of them; servers die seldom, since that costs seconds.
    pub(crate) fn any(random: &mut Rng) -> Self {
        match random.u32(0..100) {
            0..20 => Self::Kill(role(random), random.usize(0..2), milliseconds(random, 0..2_500)),
            20..27 => Self::Restart(role(random), random.usize(0..2)),
            27..40 => Self::Stop(role(random), random.usize(0..2), milliseconds(random, 500..5_000)),
            40..43 => Self::Stop(role(random), random.usize(0..2), milliseconds(random, PAST_LEASES)),
            43..46 => Self::KillServer(server(random), milliseconds(random, 0..2_000)),
            46..48 => Self::RestartServer(server(random)),
            48..52 => Self::Clock(random.i32(-240..240), milliseconds(random, 1_000..6_000)),
            52..78 => Self::wire(random),
            _ => Self::mail(random),
        }
    }

    /// One of a link's.
    fn wire(random: &mut Rng) -> Self {
        let link = match random.u32(0..5) {
            0 => Link::Accounts,
            1 => Link::Ledger,
            2 => Link::Kafka,
            _ => Link::Mail(random.usize(0..2)),
        };
        let wiring = match random.u32(0..6) {
            0 => Wiring::Cut,
            1 => Wiring::Refuse,
            2 => Wiring::BlackHole,
            3 => Wiring::HalfOpen,
            4 => Wiring::Delay(milliseconds(random, 20..300)),
            _ => Wiring::Throttle(random.u32(2_000..20_000)),
        };
        Self::Wire(link, wiring, milliseconds(random, 1_000..6_000))
    }

    /// One of the mail server's.
    fn mail(random: &mut Rng) -> Self {
        let stage = STAGES[random.usize(0..STAGES.len())];
        let trouble = match random.u32(0..4) {
            0 => Trouble::Hang,
            1 => Trouble::Drop,
            2 => Trouble::Temporary,
            _ => Trouble::Permanent,
        };
        Self::Mail(stage, trouble, milliseconds(random, 1_000..5_000))
    }

    /// Both processes of a kind are killed while what they hand over to cannot be had: what they have in hand then must be
    /// on somebody else's books. The outage, and the two that come within it.
    pub(crate) fn in_an_outage(random: &mut Rng) -> (Self, [Self; 2]) {
        let outage = Duration::from_millis(3_500);
        let (role, outage) = match random.u32(0..3) {
            0 => (Role::Serve, Self::Wire(Link::Accounts, Wiring::Delay(Duration::from_millis(150)), outage)),
            1 => (Role::Relay, Self::Wire(Link::Kafka, Wiring::BlackHole, outage)),
            _ => (Role::Notifier, Self::Wire(Link::Ledger, Wiring::Refuse, outage)),
        };
        (outage, [0, 1].map(|which| Self::Kill(role, which, milliseconds(random, 0..1_000))))
    }

    /// Which notifiers may lose an answer of the mail server to it, or its record.
    pub fn disturbs(&self) -> [bool; 2] {
        let only = |which| [which == 0, which == 1];
        match self {
            Self::Kill(Role::Notifier, which, _)
            | Self::Restart(Role::Notifier, which)
            | Self::Stop(Role::Notifier, which, _)
            | Self::Wire(Link::Mail(which), ..) => only(*which),
            Self::KillServer(Server::Database, _)
            | Self::RestartServer(Server::Database)
            | Self::Wire(Link::Ledger, ..)
            | Self::Mail(Stage::Message, Trouble::Hang | Trouble::Drop, _) => [true, true],
            _ => [false, false],
        }
    }

    /// What kind it is, for a table.
    pub fn kind(&self) -> String {
        match self {
            Self::Kill(role, ..) => format!("SIGKILL of {role}"),
            Self::Restart(role, _) => format!("restart of {role}"),
            Self::Stop(role, _, time) if time.as_millis() >= u128::from(PAST_LEASES.start) => {
                format!("SIGSTOP of {role}, past its leases")
            }
            Self::Stop(role, ..) => format!("SIGSTOP of {role}"),
            Self::KillServer(server, _) => format!("SIGKILL of {server}"),
            Self::RestartServer(server) => format!("restart of {server}"),
            Self::Wire(link, wiring, _) => format!("{link} {}", wiring.name()),
            Self::Mail(stage, trouble, _) => format!("mail server {trouble} at {stage}"),
            Self::Clock(..) => "user-service's clock set".to_owned(),
        }
    }
}

fn milliseconds(random: &mut Rng, range: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(random.u64(range))
}

fn role(random: &mut Rng) -> Role {
    ROLES[random.usize(0..ROLES.len())]
}

fn server(random: &mut Rng) -> Server {
    if random.bool() { Server::Database } else { Server::Kafka }
}

impl Wiring {
    fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Refuse => "refused",
            Self::BlackHole => "black-holed",
            Self::HalfOpen => "half-open",
            Self::Delay(_) => "delayed",
            Self::Throttle(_) => "throttled",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Serve => "serve",
            Self::Relay => "relay",
            Self::Notifier => "notifier",
        })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Database => "the database",
            Self::Kafka => "Kafka",
        })
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accounts => "user-service to database",
            Self::Ledger => "notifier to database",
            Self::Kafka => "Kafka's clients",
            Self::Mail(_) => "notifier to mail server",
        })
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "greeting",
            Self::Hello => "EHLO",
            Self::Sender => "MAIL",
            Self::Recipient => "RCPT",
            Self::Data => "DATA",
            Self::Body => "half of the message",
            Self::Message => "end of the message",
        })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hang => "hangs",
            Self::Drop => "hangs up",
            Self::Temporary => "says 4xx",
            Self::Permanent => "says 5xx",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        match self {
            Self::Kill(_, which, time) => write!(f, "{kind} {which}, away for {time:?}"),
            Self::Restart(_, which) => write!(f, "{kind} {which}"),
            Self::Stop(role, which, time) => write!(f, "SIGSTOP of {role} {which} for {time:?}"),
            Self::KillServer(_, time) => write!(f, "{kind}, away for {time:?}"),
            Self::RestartServer(_) => f.write_str(&kind),
            Self::Wire(Link::Mail(which), wiring, time) => {
                write!(f, "notifier {which} to mail server: {wiring:?} for {time:?}")
            }
            Self::Wire(link, wiring, time) => write!(f, "{link}: {wiring:?} for {time:?}"),
            Self::Mail(_, _, time) => write!(f, "{kind} for {time:?}"),
            Self::Clock(seconds, time) => write!(f, "{kind} by {seconds} s for {time:?}"),
        }
    }
}
