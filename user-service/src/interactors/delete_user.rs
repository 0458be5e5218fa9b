use std::sync::Arc;

use shared_kernel::UserId;

use super::change_user::{stamp, with_retries};
use super::user_error::UserError;
use crate::entities;
use crate::repositories::{Clock, IdGenerator, UserRepository};

/// Removes an account and tells of it, in one transaction.
pub struct DeleteUser {
    users: Arc<dyn UserRepository>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl DeleteUser {
    /// Wires the use case to its ports.
    pub fn new(users: Arc<dyn UserRepository>, clock: Arc<dyn Clock>, ids: Arc<dyn IdGenerator>) -> Self {
        Self { users, clock, ids }
    }

    /// Removes the account, durably, when it is at `expected_version` or none is given. Cancelling undoes
    /// it, unless it was committing.
    ///
    /// # Errors
    ///
    /// [`UserError::NotFound`], [`UserError::Stale`], or a failure of a port.
    pub async fn execute(
        &self,
        id: UserId,
        expected_version: Option<i64>,
        traceparent: Option<String>,
    ) -> Result<(), UserError> {
        with_retries(|| self.attempt(id, expected_version, traceparent.clone())).await
    }

    async fn attempt(
        &self,
        id: UserId,
        expected_version: Option<i64>,
        traceparent: Option<String>,
    ) -> Result<(), UserError> {
        let mut transaction = self.users.begin().await?;
        let user = transaction.lock(id).await?.ok_or(UserError::NotFound)?;
        if expected_version.is_some_and(|expected| expected != user.version) {
            return Err(UserError::Stale { current: user.version });
        }
        let stamp = stamp(&*self.clock, &*self.ids);
        transaction.delete(id).await?;
        transaction.append(&entities::deleted(&user, stamp, traceparent)).await?;
        Ok(transaction.commit().await?)
    }
}
