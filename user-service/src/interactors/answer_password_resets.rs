use std::sync::Arc;

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

/// What one step has dealt with.
#[derive(Debug)]
pub struct AnsweredResets {
    /// How many requests.
    pub requests: usize,
    /// Why some of them were given up.
    pub given_up: Vec<UserError>,
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

    /// Deals with the oldest requests, and says how many there were. Cancelling loses nothing.
    ///
    /// A request about an account that cannot be read is given up, so that it does not stand in the way of those
    /// behind it.
    ///
    /// # Errors
    ///
    /// A failure of a port that may pass; call again to go on.
    pub async fn execute(&self) -> Result<AnsweredResets, UserError> {
        let requests = self.inbox.oldest_reset_requests(Self::BATCH).await?;
        let mut answered = AnsweredResets { requests: requests.len(), given_up: Vec::new() };
        for request in &requests {
            match with_retries(|| self.answer(request)).await {
                Err(failure) if !failure.is_retryable() => {
                    with_retries(|| self.give_up(request)).await?;
                    answered.given_up.push(failure);
                }
                done => done?,
            }
        }
        Ok(answered)
    }

    async fn give_up(&self, request: &PasswordResetRequest) -> Result<(), UserError> {
        let mut transaction = self.users.begin().await?;
        transaction.take_reset_request(request.id).await?;
        Ok(transaction.commit().await?)
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
