use std::io;

use lettre::transport::smtp::Error;

use crate::entities::{Answer, DialogueStage, one_line};
use crate::repositories::MailerError;

/// Why a step of the dialogue did not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server said no, or the connection failed.
    Smtp(Error),
    /// There is no connection.
    Connect(io::Error),
    /// There was no answer in time.
    Timeout,
    /// Our own time for the mail was over, whatever the server did.
    OutOfTime,
    /// The server lacks what this mail needs.
    Lacks(&'static str),
}

/// A failure, and the step that it ended.
#[derive(Debug)]
pub(super) struct Stopped {
    pub(super) stage: DialogueStage,
    pub(super) failure: Failure,
}

impl Stopped {
    /// For `map_err`.
    pub(super) fn at(stage: DialogueStage) -> impl FnOnce(Failure) -> Self {
        move |failure| Self { stage, failure }
    }

    /// What the failure means, which its stage decides.
    pub(super) fn verdict(&self) -> MailerError {
        let answer = Answer::at(self.stage, self.failure.words());
        match &self.failure {
            Failure::OutOfTime => MailerError::OutOfTime,
            Failure::Lacks(_) => MailerError::Refused(answer),
            _ if !self.stage.is_about_the_mail() => MailerError::ServerUnavailable(answer),
            Failure::Smtp(error) if error.is_permanent() => {
                if self.stage == DialogueStage::RcptTo && is_about_the_address(&answer.words) {
                    MailerError::AddressRefused(answer)
                } else {
                    MailerError::Refused(answer)
                }
            }
            Failure::Smtp(_) | Failure::Connect(_) | Failure::Timeout => MailerError::Deferred(answer),
        }
    }
}

impl Failure {
    /// Whether the server answered, and still listens.
    pub(super) fn leaves_connection_usable(&self) -> bool {
        // "Service not available, closing transmission channel": RFC 5321, section 4.2.3.
        const CLOSING: u16 = 421;
        match self {
            Self::Smtp(error) => error.status().is_some_and(|code| u16::from(code) != CLOSING),
            Self::Connect(_) | Self::Timeout | Self::OutOfTime => false,
            Self::Lacks(_) => true,
        }
    }

    /// The server's words on one line, or ours.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Smtp(error) => {
                let said = std::error::Error::source(error).map(ToString::to_string);
                match (error.status(), said) {
                    (Some(code), said) => one_line(&format!("{code} {}", said.unwrap_or_default())),
                    (None, _) => one_line(&error.to_string()),
                }
            }
            Self::Connect(error) => format!("no connection: {error}"),
            Self::Timeout => "no answer in time".to_owned(),
            Self::OutOfTime => "the time for the mail was over".to_owned(),
            Self::Lacks(what) => format!("the server does not support {what}, which the address needs"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Smtp(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Connect(error)
    }
}

/// Whether a 5xx as an answer to RCPT tells that no mail at all would reach the address. Policies, blocked
/// senders, servers that relay for others only and syntax are no fault of the address.
///
/// By the enhanced status code's subject where there is one (RFC 3463: 1 is the address, 2 the mailbox, 4 the
/// way there), else by the reply code (RFC 5321, section 4.2.3; RFC 7504 for 556).
fn is_about_the_address(words: &str) -> bool {
    let mut words = words.split_whitespace();
    let code = words.next();
    let enhanced: Option<Vec<u16>> =
        words.next().map(|word| word.split('.').map_while(|part| part.parse().ok()).collect());
    match enhanced.as_deref() {
        Some([5, subject, _]) if *subject != 0 => matches!(subject, 1 | 2 | 4),
        _ => matches!(code, Some("550" | "551" | "553" | "556")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_of_the_address_itself_counts_against_it() {
        for words in [
            "550 5.1.1 no such user",
            "550 5.2.1 mailbox disabled",
            "554 5.4.4 no such domain",
            "550 no such user here",
            "550 5.0.0 unknown",
            "553 bad mailbox name",
            "556 5.1.10 null MX",
        ] {
            assert!(is_about_the_address(words), "{words}");
        }
        for words in [
            "550 5.7.1 relaying denied",
            "554 5.7.1 you are on a list",
            "554 no",
            "501 5.5.4 syntax",
            "503 bad sequence",
            "552 5.3.4 too big",
            "550 5.7.509 10.0.0.1 blocked",
        ] {
            assert!(!is_about_the_address(words), "{words}");
        }
    }
}
