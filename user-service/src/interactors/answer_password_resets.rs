use std::sync::Arc;
use std::time::Duration;

use super::change_user::{stamp, with_retries};
use super::user_error::UserError;
use crate::entities::{self, Login};
use crate::repositories::{Clock, IdGenerator, PasswordResetInbox, PasswordResetRequest, UserRepository};

/// Looks at the requests for a password reset that were taken down, and asks for a mail where an account has the
/// address. Any number of processes may do so side by side.
pub struct AnswerPasswordResets {
    users: Arc<dyn UserRepository>,
    inbox: Arc<dyn PasswordResetInbox>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl AnswerPasswordResets {
    /// The most requests in one step.
    const BATCH: u32 = 100;

    /// Wires the use case to its ports.
    pub fn new(
        users: Arc<dyn UserRepository>,
        inbox: Arc<dyn PasswordResetInbox>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { users, inbox, clock, ids }
    }

    /// Deals with the oldest requests, waiting up to `wait` for the first; returns how many there were. Cancelling
    /// loses nothing.
    ///
    /// # Errors
    ///
    /// A failure of a port; call again to go on.
    pub async fn execute(&self, wait: Duration) -> Result<usize, UserError> {
        let requests = self.inbox.oldest_reset_requests(Self::BATCH, wait).await?;
        for request in &requests {
            with_retries(|| self.answer(request)).await?;
        }
        Ok(requests.len())
    }

    async fn answer(&self, request: &PasswordResetRequest) -> Result<(), UserError> {
        let user = self.users.find_by_login(&Login::Email(request.email.clone())).await?;
        let mut transaction = self.users.begin().await?;
        let user = match user {
            // The address may be another account's by now; then nobody gets the mail.
            Some(user) => transaction.lock(user.id).await?.filter(|locked| locked.email == user.email),
            None => None,
        };
        if !transaction.take_reset_request(request.id).await? {
            return Ok(());
        }
        if let Some(user) = user {
            let stamp = stamp(&*self.clock, &*self.ids);
            let event = entities::password_reset_requested(&user, stamp, request.traceparent.clone());
            transaction.append(&event).await?;
        }
        Ok(transaction.commit().await?)
    }
}
