use std::sync::Arc;

use shared_kernel::SigningKeys;

use super::user_error::UserError;
use crate::entities::{AccessToken, Caller};
use crate::repositories::{Clock, SessionRepository};

/// Tells who makes a call.
///
/// The signature keeps forged and expired tokens from the database; the session is then looked up all the same, so
/// that a logout, a new password and a new role count at once and not some minutes later.
pub struct Authenticate {
    sessions: Arc<dyn SessionRepository>,
    clock: Arc<dyn Clock>,
    keys: SigningKeys,
}

impl Authenticate {
    /// Wires the use case to its ports; access tokens are verified by these keys.
    pub fn new(sessions: Arc<dyn SessionRepository>, clock: Arc<dyn Clock>, keys: SigningKeys) -> Self {
        Self { sessions, clock, keys }
    }

    /// Who holds the access token.
    ///
    /// # Errors
    ///
    /// [`UserError::Unauthenticated`], or a failure of the port.
    pub async fn execute(&self, token: &str) -> Result<Caller, UserError> {
        let now = self.clock.now();
        let token = AccessToken::verify(token, &self.keys, now).ok_or(UserError::Unauthenticated)?;
        let holder = self.sessions.holder(token.session).await?;
        let holder = holder.filter(|holder| holder.user_id == token.user_id && now < holder.expires_at);
        let holder = holder.ok_or(UserError::Unauthenticated)?;
        Ok(Caller { user_id: holder.user_id, role: holder.role, session: token.session })
    }
}
