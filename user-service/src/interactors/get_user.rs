use std::sync::Arc;

use shared_kernel::UserId;

use super::user_error::UserError;
use crate::entities::{Caller, User};
use crate::repositories::UserRepository;

/// Reads one account, for its owner or an admin.
pub struct GetUser {
    users: Arc<dyn UserRepository>,
}

impl GetUser {
    /// Wires the use case to its port.
    pub fn new(users: Arc<dyn UserRepository>) -> Self {
        Self { users }
    }

    /// The account as last committed.
    ///
    /// # Errors
    ///
    /// [`UserError::Forbidden`], [`UserError::NotFound`], or a failure of the port.
    pub async fn execute(&self, caller: Caller, id: UserId) -> Result<User, UserError> {
        if !caller.may_access(id) {
            return Err(UserError::Forbidden);
        }
        self.users.find(id).await?.ok_or(UserError::NotFound)
    }
}
