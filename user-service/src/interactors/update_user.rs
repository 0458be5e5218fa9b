use std::sync::Arc;

use shared_kernel::UserId;

use super::change_user::{stamp, with_retries};
use super::user_error::UserError;
use crate::entities::{self, User, UserUpdate};
use crate::repositories::{Clock, IdGenerator, UserRepository};

/// Changes an account and tells of it, in one transaction. A change of nothing writes nothing.
pub struct UpdateUser {
    users: Arc<dyn UserRepository>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

/// What [`UpdateUser`] needs to know.
#[derive(Debug, Clone)]
pub struct UpdateUserInput {
    /// Whose account.
    pub id: UserId,
    /// The wanted change.
    pub update: UserUpdate,
    /// Refuse when the account is at another version.
    pub expected_version: Option<i64>,
    /// The W3C trace context of the request.
    pub traceparent: Option<String>,
}

impl UpdateUser {
    /// Wires the use case to its ports.
    pub fn new(users: Arc<dyn UserRepository>, clock: Arc<dyn Clock>, ids: Arc<dyn IdGenerator>) -> Self {
        Self { users, clock, ids }
    }

    /// Returns the account as it is afterwards; it is durable then. Cancelling undoes the change,
    /// unless it was committing. Concurrent updates of one account take place one after the other.
    ///
    /// # Errors
    ///
    /// [`UserError::NotFound`], [`UserError::Stale`], [`UserError::Taken`], [`UserError::Invalid`], or a
    /// failure of a port.
    pub async fn execute(&self, input: UpdateUserInput) -> Result<User, UserError> {
        input.update.check(self.clock.now().date_naive()).map_err(UserError::Invalid)?;
        with_retries(|| self.attempt(&input)).await
    }

    async fn attempt(&self, input: &UpdateUserInput) -> Result<User, UserError> {
        let mut transaction = self.users.begin().await?;
        let before = transaction.lock(input.id).await?.ok_or(UserError::NotFound)?;
        if input.expected_version.is_some_and(|expected| expected != before.version) {
            return Err(UserError::Stale { current: before.version });
        }
        let stamp = stamp(&*self.clock, &*self.ids);
        let Some(after) = before.updated(input.update.clone(), stamp) else {
            return Ok(before);
        };
        transaction.update(&after).await?;
        transaction.append(&entities::updated(&before, &after, input.traceparent.clone())).await?;
        transaction.commit().await?;
        Ok(after)
    }
}
