use std::sync::Arc;

use shared_kernel::UserId;

use super::change_user::{remove, with_retries};
use super::user_error::UserError;
use crate::entities::Caller;
use crate::repositories::{Clock, UserRepository};

/// Removes an account and all that belongs to it, and tells of it, in one transaction.
pub struct DeleteUser {
    users: Arc<dyn UserRepository>,
    clock: Arc<dyn Clock>,
}

/// What [`DeleteUser`] needs to know.
#[derive(Debug, Clone)]
pub struct DeleteUserInput {
    /// Who asks for it.
    pub caller: Caller,
    /// Whose account.
    pub id: UserId,
    /// Refuse when the account is at another version.
    pub expected_version: Option<i64>,
    /// The W3C trace context of the request.
    pub traceparent: Option<String>,
}

impl DeleteUser {
    /// Wires the use case to its ports.
    pub fn new(users: Arc<dyn UserRepository>, clock: Arc<dyn Clock>) -> Self {
        Self { users, clock }
    }

    /// Removes the account, durably, when it is at the expected version or none is given. Cancelling undoes
    /// it, unless it was committing.
    ///
    /// # Errors
    ///
    /// [`UserError::Forbidden`], [`UserError::NotFound`], [`UserError::Stale`], or a failure of a port.
    pub async fn execute(&self, input: DeleteUserInput) -> Result<(), UserError> {
        if !input.caller.may_access(input.id) {
            return Err(UserError::Forbidden);
        }
        with_retries(|| self.attempt(&input)).await
    }

    async fn attempt(&self, input: &DeleteUserInput) -> Result<(), UserError> {
        let mut transaction = self.users.begin().await?;
        let user = transaction.lock(input.id).await?.ok_or(UserError::NotFound)?;
        if input.expected_version.is_some_and(|expected| expected != user.version) {
            return Err(UserError::Stale { current: user.version });
        }
        remove(transaction, &user, self.clock.now(), input.traceparent.clone()).await
    }
}
