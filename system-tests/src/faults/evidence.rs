//! What can be seen of a campaign from the outside: what the clients were answered, what the database holds, and what
//! the mail server accepted.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use super::told::Told;

/// Which mail it is, as its reader sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the mails of DESIGN's table, by what they tell")]
pub enum Kind {
    Registered,
    AccountConfirmed,
    Updated,
    PasswordChanged,
    ConfirmNewAddress,
    ConfirmAddress,
    AddressChangeRequested,
    AddressConfirmed,
    AddressReplaced,
    Deleted,
}

/// What no two changes of a campaign have in common: its clients see to that.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Which mail.
    pub kind: Kind,
    /// To whom. No two accounts share an address.
    pub to: String,
    /// The name that an ordinary change gave the account.
    pub name: Option<String>,
}

/// What a client asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// An account with that address.
    Register {
        /// The address.
        to: String,
    },
    /// The address is its owner's.
    ConfirmAccount {
        /// The address.
        to: String,
    },
    /// Another name.
    Rename {
        /// The address in force.
        to: String,
        /// The name.
        name: String,
        /// Another program does it, which leaves `version` as it is.
        by_sql: bool,
    },
    /// Another password.
    ChangePassword {
        /// The address in force.
        to: String,
    },
    /// Another name and another address, which waits for its confirmation.
    ChangeAddress {
        /// The address in force.
        from: String,
        /// The other one.
        to: String,
        /// The name.
        name: String,
    },
    /// The other address is its owner's.
    ConfirmAddress {
        /// The address in force.
        from: String,
        /// The other one.
        to: String,
    },
    /// No account any more.
    Delete {
        /// The address in force.
        to: String,
    },
    /// What must be refused: it would have given the account that name.
    InVain {
        /// The address in force.
        to: String,
        /// The name.
        name: String,
    },
}

impl What {
    /// The mails that tell of it, by the table of mails in the documentation.
    pub fn mails(&self) -> Vec<Key> {
        let mail = |kind, to: &String| Key { kind, to: to.clone(), name: None };
        let updated = |to: &String, name: &String| Key {
            kind: Kind::Updated,
            to: to.clone(),
            name: Some(name.clone()),
        };
        match self {
            Self::Register { to } => vec![mail(Kind::Registered, to)],
            Self::ConfirmAccount { to } => vec![mail(Kind::AccountConfirmed, to)],
            Self::Rename { to, name, .. } | Self::InVain { to, name } => vec![updated(to, name)],
            Self::ChangePassword { to } => vec![mail(Kind::PasswordChanged, to)],
            Self::ChangeAddress { from, to, name } => vec![
                mail(Kind::ConfirmNewAddress, to),
                mail(Kind::AddressChangeRequested, from),
                updated(from, name),
            ],
            Self::ConfirmAddress { from, to } => {
                vec![mail(Kind::AddressConfirmed, to), mail(Kind::AddressReplaced, from)]
            }
            Self::Delete { to } => vec![mail(Kind::Deleted, to)],
        }
    }

    /// The name that the account has afterwards, where that is another.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Rename { name, .. } | Self::ChangeAddress { name, .. } | Self::InVain { name, .. } => {
                Some(name)
            }
            _ => None,
        }
    }
}

/// What a client was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is done.
    Acknowledged,
    /// It was refused, and how.
    Refused(String),
    /// Nothing, or that the service could not say: it may have been done, wholly, or not.
    Unknown,
}

/// One request for a change, and its answer.
#[derive(Debug, Clone)]
pub struct Change {
    /// What was asked for.
    pub what: What,
    /// What was answered. The next change of the account was asked for afterwards.
    pub answer: Answer,
}

/// All that the client of one account asked for, in order; the registration first.
#[derive(Debug, Clone)]
pub struct LifeRecord {
    /// The account's name to log in by.
    pub username: String,
    /// The changes.
    pub changes: Vec<Change>,
}

/// An account as the database holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of these names")]
pub struct Row {
    pub email: String,
    pub full_name: Option<String>,
    pub version: i64,
}

/// A mail that the mail server accepted.
#[derive(Debug, Clone)]
pub struct AcceptedMail {
    /// When, since the beginning.
    pub at: Duration,
    /// From which notifier.
    pub notifier: usize,
    /// What it says.
    pub told: Told,
}

/// A mail that the mail server refused for good.
#[derive(Debug, Clone)]
pub struct RefusedMail {
    /// To whom.
    pub to: String,
    /// What it said, if it came to that.
    pub told: Option<Told>,
}

/// A time in which a notifier can lose an answer of the mail server, or its record.
#[derive(Debug, Clone)]
pub struct Disturbance {
    /// Since the beginning.
    pub from: Duration,
    /// Since the beginning.
    pub until: Duration,
    /// Which notifiers.
    pub notifiers: [bool; 2],
}

/// What is left when nothing moves any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "counts of what the names say")]
pub struct Leftovers {
    pub outbox: i64,
    pub dead_outbox: i64,
    pub lag: i64,
    pub queued: i64,
    pub dead: i64,
    pub dead_letters: i64,
}

/// All of it.
#[derive(Debug, Default)]
pub struct Evidence {
    /// What the clients were answered.
    pub lives: Vec<LifeRecord>,
    /// The table of users, by username.
    pub rows: HashMap<String, Row>,
    /// In the order of acceptance.
    pub accepted: Vec<AcceptedMail>,
    /// Those that the notifiers need not send any more.
    pub refused: Vec<RefusedMail>,
    /// What excuses that a mail came twice.
    pub disturbances: Vec<Disturbance>,
    /// What is left.
    pub left: Leftovers,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} to {}", self.kind, self.to)?;
        self.name.as_ref().map_or(Ok(()), |name| write!(f, " ({name})"))
    }
}
