use std::sync::Arc;

use shared_kernel::UserId;

use super::user_error::UserError;
use crate::entities::User;
use crate::repositories::UserRepository;

/// Reads one account.
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
    /// [`UserError::NotFound`], or a failure of the port.
    pub async fn execute(&self, id: UserId) -> Result<User, UserError> {
        self.users.find(id).await?.ok_or(UserError::NotFound)
    }
}
