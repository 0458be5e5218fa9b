use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

use crate::entities::{Answer, Mail};

/// Hands mail over to a server that takes responsibility for it.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Returns the server's words once it has accepted the whole message.
    ///
    /// An adapter says by the error at what stage of the dialogue it ended, since the stage decides whose
    /// fault it is; bounds the time of a send; and gives a mail of the same id the same `Message-ID`.
    ///
    /// After `deadline`, by the process's [`MonotonicClock`](super::MonotonicClock), the mail may be another
    /// worker's: an adapter writes nothing any more then, the end of the message least of all, however long
    /// the process was stopped meanwhile.
    ///
    /// Cancelling a send gives up its connection; whether the server took the message is then unknown.
    ///
    /// # Errors
    ///
    /// See [`MailerError`]. Its words are the server's, shortened, and may hold the address: mask them
    /// before logging.
    async fn send(&self, mail: &Mail, deadline: Duration) -> Result<Answer, MailerError>;
}

/// Why a mail was not accepted, by the stage of the dialogue.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MailerError {
    /// A 5xx as an answer to RCPT that tells of the address itself: no mail at all would reach it.
    #[error("the address was refused for good: {}", .0.words)]
    AddressRefused(Answer),
    /// Any other 5xx as an answer to RCPT or DATA, or an address or message that cannot be sent as mail at
    /// all.
    #[error("the recipient or the message was refused for good: {}", .0.words)]
    Refused(Answer),
    /// A 4xx as an answer to RCPT or DATA, or trouble with the connection after MAIL FROM was accepted.
    /// After such trouble the server may have taken the message nevertheless.
    #[error("the recipient or the message was put off: {}", .0.words)]
    Deferred(Answer),
    /// Anything before RCPT: a refused connection, the greeting, TLS, authentication, MAIL FROM. The
    /// server's fault or ours, never this mail's, so it uses up no attempt.
    #[error("the mail server is not available: {}", .0.words)]
    ServerUnavailable(Answer),
    /// The deadline came before the mail could be sent. Tells nothing of the mail or the server.
    #[error("the time to send the mail was over")]
    OutOfTime,
}

impl MailerError {
    /// Whether the same mail can still be accepted later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::AddressRefused(_) | Self::Refused(_) => false,
            Self::Deferred(_) | Self::ServerUnavailable(_) | Self::OutOfTime => true,
        }
    }
}
