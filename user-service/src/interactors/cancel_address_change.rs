use std::sync::Arc;

use shared_kernel::{ActionPurpose, SigningKeys};

use super::honour_token::TokenHonourer;
use super::user_error::UserError;
use crate::entities::User;
use crate::repositories::{Clock, IdGenerator, UserRepository};

/// Stops the change to another address, for whoever reads the mail of the one in force.
pub struct CancelAddressChange(TokenHonourer);

impl CancelAddressChange {
    /// Wires the use case to its ports; action tokens are verified by these keys.
    pub fn new(
        users: Arc<dyn UserRepository>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
        keys: SigningKeys,
    ) -> Self {
        let purpose = ActionPurpose::CancelAddressChange;
        Self(TokenHonourer { users, clock, ids, keys, purpose, change: User::address_change_cancelled })
    }

    /// Returns the account as it is afterwards; it is durable then.
    ///
    /// # Errors
    ///
    /// [`UserError::BadToken`], or a failure of a port.
    pub async fn execute(&self, token: &str, traceparent: Option<String>) -> Result<User, UserError> {
        self.0.honour(token, traceparent).await
    }
}
