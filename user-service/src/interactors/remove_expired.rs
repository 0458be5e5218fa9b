use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use shared_kernel::{AccountStatus, UserId};

use super::change_user::{remove, with_retries};
use super::user_error::UserError;
use crate::entities::Role;
use crate::repositories::{AnswerRepository, Clock, SessionRepository, UserRepository};

/// Clears away what has had its time, a little at a time: sessions, answers to idempotent requests, and accounts
/// whose address nobody has confirmed. Any number of processes may do so side by side.
pub struct RemoveExpired {
    users: Arc<dyn UserRepository>,
    sessions: Arc<dyn SessionRepository>,
    answers: Arc<dyn AnswerRepository>,
    clock: Arc<dyn Clock>,
    unconfirmed_for: Option<Duration>,
}

/// What one step has removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Sessions.
    pub sessions: u64,
    /// Answers to idempotent requests.
    pub answers: u64,
    /// Accounts.
    pub accounts: u64,
    /// Accounts that should have been removed and could not be.
    pub failed: u64,
}

impl Removed {
    /// Whether there may be more to remove.
    pub fn is_some(&self) -> bool {
        self.sessions + self.answers + self.accounts > 0
    }
}

impl RemoveExpired {
    /// The most of each kind in one step.
    const BATCH: u32 = 200;

    /// Wires the use case to its ports. An account is removed so long after its owner was asked to confirm the address; with
    /// `None`, never.
    pub fn new(
        users: Arc<dyn UserRepository>,
        sessions: Arc<dyn SessionRepository>,
        answers: Arc<dyn AnswerRepository>,
        clock: Arc<dyn Clock>,
        unconfirmed_for: Option<Duration>,
    ) -> Self {
        Self { users, sessions, answers, clock, unconfirmed_for }
    }

    /// Removes some of what has expired, and says how much; nothing means that nothing is left. Cancelling undoes what
    /// was not committed yet.
    ///
    /// # Errors
    ///
    /// A failure of a port.
    pub async fn execute(&self) -> Result<Removed, UserError> {
        let now = self.clock.now();
        let sessions = async || Ok(self.sessions.remove_expired_sessions(now, Self::BATCH).await?);
        let answers = async || Ok(self.answers.remove_expired_answers(now, Self::BATCH).await?);
        let mut removed = Removed {
            sessions: with_retries(sessions).await?,
            answers: with_retries(answers).await?,
            accounts: 0,
            failed: 0,
        };
        let lifetime = self.unconfirmed_for.and_then(|lifetime| TimeDelta::from_std(lifetime).ok());
        if let Some(before) = lifetime.and_then(|lifetime| now.checked_sub_signed(lifetime)) {
            for id in self.users.unconfirmed_since(before, Self::BATCH).await? {
                match with_retries(|| self.remove_account(id, before)).await {
                    Ok(gone) => removed.accounts += u64::from(gone),
                    Err(failure) if failure.is_retryable() => return Err(failure),
                    // The others are not held up by one whose row cannot be read, say.
                    Err(_) => removed.failed += 1,
                }
            }
        }
        Ok(removed)
    }

    /// Removes the account, unless it has changed since it was found.
    async fn remove_account(&self, id: UserId, before: DateTime<Utc>) -> Result<bool, UserError> {
        let mut transaction = self.users.begin().await?;
        let Some(user) = transaction.lock(id).await? else { return Ok(false) };
        let expired = user.status == AccountStatus::Unconfirmed
            && user.confirmation_asked_at.is_some_and(|asked| asked < before);
        if !expired || user.role == Role::Admin {
            return Ok(false);
        }
        remove(transaction, &user, self.clock.now(), None).await?;
        Ok(true)
    }
}
