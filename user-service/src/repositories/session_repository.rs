use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shared_kernel::UserId;

use super::RepositoryError;
use crate::entities::{Role, Session, SessionId};

/// The sessions, for reading and for clearing away.
#[async_trait]
pub trait SessionRepository: Send + Sync {
    /// Who holds the session, with their role of now; `None` when it was ended or its user is gone. Whether it has
    /// expired is for the caller to see.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn holder(&self, id: SessionId) -> Result<Option<SessionHolder>, RepositoryError>;

    /// Removes sessions that expired before that moment, at most `max`; returns how many.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn remove_expired_sessions(&self, now: DateTime<Utc>, max: u32) -> Result<u64, RepositoryError>;
}

/// Whose session it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionHolder {
    /// The user.
    pub user_id: UserId,
    /// What they may do.
    pub role: Role,
    /// From when on the session has ended.
    pub expires_at: DateTime<Utc>,
}

/// The sessions within a transaction. Whoever writes both locks the account before the session.
#[async_trait]
pub trait SessionWrites {
    /// The session of that id, which no other transaction changes until this one ends.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn lock_session(&mut self, id: SessionId) -> Result<Option<Session>, RepositoryError>;

    /// Adds a session.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn insert_session(&mut self, session: &Session) -> Result<(), RepositoryError>;

    /// Writes the refresh hash and the expiry of a session that was locked before.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn update_session(&mut self, session: &Session) -> Result<(), RepositoryError>;

    /// Ends a session; one that is not there is none to end.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn end_session(&mut self, id: SessionId) -> Result<(), RepositoryError>;

    /// Ends the sessions of a user, but for one.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn end_sessions_of(&mut self, user: UserId, but: Option<SessionId>) -> Result<(), RepositoryError>;
}
