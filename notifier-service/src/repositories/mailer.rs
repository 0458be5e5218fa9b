use async_trait::async_trait;
use thiserror::Error;

use crate::entities::Mail;

/// Hands mail over to a server that takes responsibility for it.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Returns `Ok` only after the server accepted the whole message.
    ///
    /// An adapter says by the error at what stage of the dialogue it ended, since the stage decides whose
    /// fault it is; bounds the time of a send; and gives a mail of the same id the same `Message-ID`.
    ///
    /// Cancelling a send gives up its connection; whether the server took the message is then unknown.
    ///
    /// # Errors
    ///
    /// See [`MailerError`]. Its words are the server's, shortened, and may hold the address: mask them
    /// before logging.
    async fn send(&self, mail: &Mail) -> Result<(), MailerError>;
}

/// Why a mail was not accepted, by the stage of the dialogue.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MailerError {
    /// A 5xx as an answer to RCPT or DATA, or an address or message that cannot be sent as mail at all.
    #[error("the recipient or the message was refused for good: {0}")]
    RecipientOrMessageRefused(String),
    /// A 4xx as an answer to RCPT or DATA, or trouble with the connection after MAIL FROM was accepted.
    /// After such trouble the server may have taken the message nevertheless.
    #[error("the recipient or the message was put off: {0}")]
    RecipientOrMessageDeferred(String),
    /// Anything before RCPT: a refused connection, the greeting, TLS, authentication, MAIL FROM. The
    /// server's fault or ours, never this mail's, so it uses up no attempt.
    #[error("the mail server is not available: {0}")]
    ServerUnavailable(String),
}

impl MailerError {
    /// Whether the same mail can still be accepted later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::RecipientOrMessageRefused(_) => false,
            Self::RecipientOrMessageDeferred(_) | Self::ServerUnavailable(_) => true,
        }
    }
}
