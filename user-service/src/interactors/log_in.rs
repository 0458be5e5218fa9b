use std::sync::Arc;

use shared_kernel::SigningKeys;

use super::change_user::with_retries;
use super::issue_tokens::{SessionPolicy, TokenIssuer, Tokens};
use super::user_error::UserError;
use crate::entities::{GivenPassword, Login, PasswordHash, Session, SessionId, User};
use crate::repositories::{
    Clock, IdGenerator, PasswordHasher, SecretGenerator, UserRepository, Verification,
};

/// Begins a session for whoever knows an account's name and password.
pub struct LogIn {
    ports: LogInPorts,
    issuer: TokenIssuer,
}

/// What a login needs from the world.
#[expect(missing_docs, reason = "the fields are the ports of the same names")]
pub struct LogInPorts {
    pub users: Arc<dyn UserRepository>,
    pub passwords: Arc<dyn PasswordHasher>,
    pub secrets: Arc<dyn SecretGenerator>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdGenerator>,
}

impl LogIn {
    /// Wires the use case to its ports; access tokens are signed by these keys.
    pub fn new(ports: LogInPorts, keys: SigningKeys, policy: SessionPolicy) -> Self {
        let issuer = TokenIssuer::new(keys, ports.secrets.clone(), policy);
        Self { ports, issuer }
    }

    /// Begins a session and returns its tokens. Takes as long for an unknown name as for a wrong password.
    ///
    /// # Errors
    ///
    /// [`UserError::WrongCredentials`], or a failure of a port.
    pub async fn execute(&self, login: &Login, password: &GivenPassword) -> Result<Tokens, UserError> {
        let user = self.ports.users.find_by_login(login).await?;
        let hash = user.as_ref().map(|user| &user.password);
        let verified = self.ports.passwords.verify(password, hash).await.map_err(UserError::Password)?;
        let user = user.filter(|_| verified.matches()).ok_or(UserError::WrongCredentials)?;
        let rehashed = match verified {
            Verification::MatchesOutdated => {
                Some(self.ports.passwords.rehash(password).await.map_err(UserError::Password)?)
            }
            _ => None,
        };
        with_retries(|| self.begin_session(&user, rehashed.as_ref())).await
    }

    async fn begin_session(&self, user: &User, rehashed: Option<&PasswordHash>) -> Result<Tokens, UserError> {
        let mut transaction = self.ports.users.begin().await?;
        let current = transaction.lock(user.id).await?.ok_or(UserError::WrongCredentials)?;
        // Another password since: what was verified is the old one, and its sessions have just been ended.
        if current.password_changed_at != user.password_changed_at {
            return Err(UserError::WrongCredentials);
        }
        if let Some(hash) = rehashed {
            transaction.rehash(current.id, hash).await?;
        }
        let now = self.ports.clock.now();
        let id = SessionId(self.ports.ids.next_id());
        let refresh = self.issuer.refresh_token(id)?;
        let session = Session {
            id,
            user_id: user.id,
            refresh_hash: refresh.hash(),
            created_at: now,
            expires_at: self.issuer.session_end(now),
        };
        transaction.insert_session(&session).await?;
        transaction.commit().await?;
        Ok(self.issuer.tokens(&session, &refresh, now))
    }
}
