use std::sync::Arc;

use shared_kernel::SigningKeys;

use super::change_user::with_retries;
use super::issue_tokens::{SessionPolicy, TokenIssuer, Tokens};
use super::user_error::UserError;
use crate::entities::{RefreshToken, Session};
use crate::repositories::{Clock, SecretGenerator, UserRepository};

/// Carries a session on: takes its refresh token and gives new tokens.
///
/// A refresh token counts once. Whoever shows one that was used already has stolen it, or was stolen from: which of
/// the two, nobody can tell, and so the session ends for both.
pub struct RefreshSession {
    users: Arc<dyn UserRepository>,
    clock: Arc<dyn Clock>,
    issuer: TokenIssuer,
}

impl RefreshSession {
    /// Wires the use case to its ports; tokens are signed by these keys.
    pub fn new(
        users: Arc<dyn UserRepository>,
        secrets: Arc<dyn SecretGenerator>,
        clock: Arc<dyn Clock>,
        keys: SigningKeys,
        policy: SessionPolicy,
    ) -> Self {
        Self { users, clock, issuer: TokenIssuer::new(keys, secrets, policy) }
    }

    /// Exchanges the refresh token for new tokens; from then on it does not count.
    ///
    /// # Errors
    ///
    /// [`UserError::Unauthenticated`] when the token does not count (any more), or a failure of a port.
    pub async fn execute(&self, token: &str) -> Result<Tokens, UserError> {
        let token = self.issuer.given_out(token)?;
        with_retries(|| self.attempt(&token)).await
    }

    async fn attempt(&self, token: &RefreshToken) -> Result<Tokens, UserError> {
        let mut transaction = self.users.begin().await?;
        let session = transaction.lock_session(token.session()).await?.ok_or(UserError::Unauthenticated)?;
        let now = self.clock.now();
        if session.refresh_hash != token.hash() || session.expires_at <= now {
            transaction.end_session(session.id).await?;
            transaction.commit().await?;
            return Err(UserError::Unauthenticated);
        }
        let refresh = self.issuer.refresh_token(session.id)?;
        let session =
            Session { refresh_hash: refresh.hash(), expires_at: self.issuer.session_end(now), ..session };
        transaction.update_session(&session).await?;
        transaction.commit().await?;
        Ok(self.issuer.tokens(&session, &refresh, now))
    }
}
