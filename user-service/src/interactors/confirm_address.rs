use std::sync::Arc;

use shared_kernel::{ActionPurpose, SigningKeys};

use super::honour_token::TokenHonourer;
use super::user_error::UserError;
use crate::entities::User;
use crate::repositories::{Clock, IdGenerator, UserRepository};

/// Confirms an address for whoever reads its mail: the one that waits comes into force, or the account's first one is
/// confirmed.
pub struct ConfirmAddress(TokenHonourer);

impl ConfirmAddress {
    /// Wires the use case to its ports; action tokens are verified by these keys.
    pub fn new(
        users: Arc<dyn UserRepository>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
        keys: SigningKeys,
    ) -> Self {
        let purpose = ActionPurpose::ConfirmAddress;
        Self(TokenHonourer { users, clock, ids, keys, purpose, change: User::confirmed })
    }

    /// Returns the account as it is afterwards; it is durable then.
    ///
    /// # Errors
    ///
    /// [`UserError::BadToken`], [`UserError::Taken`] when another account has the address by now, or a failure of a
    /// port.
    pub async fn execute(&self, token: &str, traceparent: Option<String>) -> Result<User, UserError> {
        self.0.honour(token, traceparent).await
    }
}
