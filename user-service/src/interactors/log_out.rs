use std::sync::Arc;

use super::change_user::with_retries;
use super::user_error::UserError;
use crate::entities::Caller;
use crate::repositories::UserRepository;

/// Ends the caller's session: none of its tokens counts any more.
pub struct LogOut {
    users: Arc<dyn UserRepository>,
}

impl LogOut {
    /// Wires the use case to its port.
    pub fn new(users: Arc<dyn UserRepository>) -> Self {
        Self { users }
    }

    /// Ends the session, durably.
    ///
    /// # Errors
    ///
    /// A failure of the port.
    pub async fn execute(&self, caller: Caller) -> Result<(), UserError> {
        with_retries(|| async {
            let mut transaction = self.users.begin().await?;
            transaction.end_session(caller.session).await?;
            Ok(transaction.commit().await?)
        })
        .await
    }
}
