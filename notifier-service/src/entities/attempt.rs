use chrono::{DateTime, Utc};

use super::DialogueStage;

/// One attempt to deliver a mail, as the ledger remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When its outcome was recorded, by the ledger's clock.
    pub recorded_at: DateTime<Utc>,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// The stage of the dialogue at which it ended; `None` where there was none.
    pub stage: Option<DialogueStage>,
    /// The server's words, or ours; they may hold the address. `None` once they were erased.
    pub words: Option<String>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttemptOutcome {
    /// A server accepted the mail.
    Sent,
    /// The mail was put off, to be tried again.
    PutOff,
    /// The mail was given up.
    Dead,
    /// No server was to be had; uses up no attempt of the mail's.
    ServerUnavailable,
}

impl AttemptOutcome {
    const ALL: [Self; 4] = [Self::Sent, Self::PutOff, Self::Dead, Self::ServerUnavailable];

    /// Whether no further attempt follows it.
    pub fn ends_the_mail(self) -> bool {
        matches!(self, Self::Sent | Self::Dead)
    }

    /// Its name in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::PutOff => "put-off",
            Self::Dead => "dead",
            Self::ServerUnavailable => "server-unavailable",
        }
    }

    /// The outcome of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_found_by_its_name() {
        for outcome in AttemptOutcome::ALL {
            assert_eq!(AttemptOutcome::from_name(outcome.as_str()), Some(outcome));
        }
        assert_eq!(AttemptOutcome::from_name("lost"), None);
    }
}
