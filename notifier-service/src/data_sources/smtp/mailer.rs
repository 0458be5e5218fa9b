use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::connection::{Failure, Patience, SmtpConnection};
use super::message::{self, OutgoingMessage};
use super::pool::Pool;
use super::settings::SmtpSettings;
use crate::entities::Mail;
use crate::repositories::{Mailer, MailerError};

/// A connection that was idle answers at once or is dead; no need to wait for long to find out.
const REUSE_PATIENCE: Duration = Duration::from_secs(5);

/// Sends mail to one SMTP server over connections that are kept for reuse.
///
/// A reused connection is tried with the next mail's MAIL FROM itself, not with a NOOP before it: when
/// that fails, a fresh connection takes its place at once, and nothing was lost.
pub struct SmtpMailer {
    settings: SmtpSettings,
    pool: Pool,
}

impl SmtpMailer {
    /// Connects only when there is mail to send.
    pub fn new(settings: SmtpSettings) -> Self {
        let pool = Pool::new(settings.max_idle);
        Self { settings, pool }
    }

    /// A connection on which MAIL FROM was accepted for this message.
    async fn begin(
        &self,
        message: &OutgoingMessage,
        patience: Patience,
    ) -> Result<SmtpConnection, MailerError> {
        let from = &self.settings.from.email;
        if let Some(mut connection) = self.pool.take() {
            let brief = Patience { command: REUSE_PATIENCE.min(patience.command), ..patience };
            if connection.begin(from, message, brief).await.is_ok() {
                return Ok(connection);
            }
        }
        let mut connection =
            SmtpConnection::open(&self.settings, patience).await.map_err(|failure| unavailable(&failure))?;
        match connection.begin(from, message, patience).await {
            Ok(()) => Ok(connection),
            Err(failure @ Failure::Lacks(_)) => Err(refused(&failure)),
            Err(failure) => Err(unavailable(&failure)),
        }
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailerError> {
        let message = message::write(mail, &self.settings.from)?;
        let patience = Patience {
            deadline: Instant::now() + self.settings.total_timeout,
            command: self.settings.command_timeout,
        };
        let mut connection = self.begin(&message, patience).await?;
        let handed_over = connection.hand_over(&message, patience).await;
        let is_usable = match &handed_over {
            Ok(_) => true,
            Err(failure) => failure.leaves_connection_usable() && connection.reset(patience).await.is_ok(),
        };
        if is_usable {
            self.pool.put(connection);
        }
        match handed_over {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_permanent() => Err(refused(&failure)),
            Err(failure) => Err(MailerError::RecipientOrMessageDeferred(failure.words())),
        }
    }
}

fn refused(failure: &Failure) -> MailerError {
    MailerError::RecipientOrMessageRefused(failure.words())
}

fn unavailable(failure: &Failure) -> MailerError {
    MailerError::ServerUnavailable(failure.words())
}
