use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lettre::transport::smtp::response::Response;
use tokio::time::Instant;

use super::connection::{Patience, SmtpConnection};
use super::failure::{Failure, Stopped};
use super::message::{self, OutgoingMessage};
use super::pool::Pool;
use super::settings::SmtpSettings;
use crate::entities::{Answer, DialogueStage, Mail, one_line};
use crate::repositories::{Mailer, MailerError, MonotonicClock};

/// A connection that was idle answers at once or is dead; no need to wait for long to find out.
const REUSE_PATIENCE: Duration = Duration::from_secs(5);

/// Sends mail to one SMTP server over connections that are kept for reuse.
///
/// A reused connection is tried with the next mail's MAIL FROM itself, not with a NOOP before it: when
/// that fails, a fresh connection takes its place at once, and nothing was lost.
pub struct SmtpMailer {
    settings: SmtpSettings,
    clock: Arc<dyn MonotonicClock>,
    pool: Pool,
}

impl SmtpMailer {
    /// Connects only when there is mail to send. Deadlines are by `clock`.
    pub fn new(settings: SmtpSettings, clock: Arc<dyn MonotonicClock>) -> Self {
        let pool = Pool::new(settings.max_idle);
        Self { settings, clock, pool }
    }

    /// Connects, greets, encrypts and authenticates as for a mail, and says goodbye.
    ///
    /// # Errors
    ///
    /// The answer, with the stage at which it ended.
    pub async fn try_connection(&self) -> Result<(), Answer> {
        let now = self.clock.now();
        let patience = Patience {
            deadline: Instant::now() + self.settings.total_timeout,
            command: self.settings.command_timeout,
            fence: now + self.settings.total_timeout,
        };
        let opened = SmtpConnection::open(&self.settings, self.clock.clone(), patience).await;
        match opened {
            Ok(mut connection) => {
                connection.quit(patience).await;
                Ok(())
            }
            Err(stopped) => Err(Answer::at(stopped.stage, stopped.failure.words())),
        }
    }

    /// A connection on which MAIL FROM was accepted for this message.
    async fn begin(&self, message: &OutgoingMessage, patience: Patience) -> Result<SmtpConnection, Stopped> {
        let from = &self.settings.from.email;
        if let Some(mut connection) = self.pool.take() {
            let brief = Patience { command: REUSE_PATIENCE.min(patience.command), ..patience };
            if connection.begin(from, message, brief).await.is_ok() {
                return Ok(connection);
            }
        }
        let mut connection = SmtpConnection::open(&self.settings, self.clock.clone(), patience).await?;
        match connection.begin(from, message, patience).await {
            Ok(()) => Ok(connection),
            Err(stopped) => {
                if matches!(stopped.failure, Failure::Lacks(_)) {
                    // Other mails need no such thing.
                    self.pool.put(connection);
                }
                Err(stopped)
            }
        }
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail, deadline: Duration) -> Result<Answer, MailerError> {
        let message = message::write(mail, &self.settings)?;
        let patience = Patience {
            deadline: Instant::now() + self.settings.total_timeout,
            command: self.settings.command_timeout,
            fence: deadline,
        };
        let mut connection = self.begin(&message, patience).await.map_err(|stopped| stopped.verdict())?;
        let handed_over = connection.hand_over(&message, patience).await;
        let is_usable = match &handed_over {
            Ok(_) => true,
            Err(Stopped { failure, .. }) => {
                failure.leaves_connection_usable() && connection.reset(patience).await.is_ok()
            }
        };
        if is_usable {
            self.pool.put(connection);
        }
        match handed_over {
            Ok(response) => Ok(Answer::at(DialogueStage::Message, words(&response))),
            Err(stopped) => Err(stopped.verdict()),
        }
    }
}

/// The server's words on one line.
fn words(response: &Response) -> String {
    let said: Vec<_> = response.message().collect();
    one_line(&format!("{} {}", response.code(), said.join(" ")))
}
