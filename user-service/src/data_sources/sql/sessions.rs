//! The sessions of a database of ours. Macros for the same reason as in `user_transaction.rs`.

/// A session's columns but for its id.
macro_rules! select_session {
    ($rest:literal) => {
        concat!("SELECT userId, refreshHash, createdAt, expiresAt FROM sessions WHERE id = ?", $rest)
    };
}

#[cfg(feature = "sqlite")]
pub(in crate::data_sources) const SELECT_SESSION: &str = select_session!("");

#[cfg(feature = "mysql")]
pub(in crate::data_sources) const LOCK_SESSION: &str = select_session!(" FOR UPDATE");

pub(in crate::data_sources) const SESSION_HOLDER: &str = "SELECT sessions.userId, sessions.expiresAt, users.role FROM sessions \
     JOIN users ON users.id = sessions.userId WHERE sessions.id = ?";

pub(in crate::data_sources) const INSERT_SESSION: &str =
    "INSERT INTO sessions (id, userId, refreshHash, createdAt, expiresAt) VALUES (?, ?, ?, ?, ?)";

pub(in crate::data_sources) const UPDATE_SESSION: &str =
    "UPDATE sessions SET refreshHash = ?, expiresAt = ? WHERE id = ?";

pub(in crate::data_sources) const END_SESSION: &str = "DELETE FROM sessions WHERE id = ?";

pub(in crate::data_sources) const END_SESSIONS_OF: &str = "DELETE FROM sessions WHERE userId = ? AND id <> ?";

#[cfg(feature = "mysql")]
pub(in crate::data_sources) const MYSQL_DELETE_EXPIRED_SESSIONS: &str =
    "DELETE FROM sessions WHERE expiresAt < ? ORDER BY expiresAt LIMIT ?";

#[cfg(feature = "sqlite")]
pub(in crate::data_sources) const SQLITE_DELETE_EXPIRED_SESSIONS: &str = "DELETE FROM sessions WHERE id IN \
     (SELECT id FROM sessions WHERE expiresAt < ? ORDER BY expiresAt LIMIT ?)";

/// Implements [`SessionRepository`](crate::repositories::SessionRepository) for a struct with the field `database`.
/// `$delete_expired` deletes what expired before a moment, so many at most.
macro_rules! implement_session_repository {
    ($repository:ident, $delete_expired:expr) => {
        #[async_trait]
        impl SessionRepository for $repository {
            async fn holder(&self, id: SessionId) -> Result<Option<SessionHolder>, RepositoryError> {
                let found = sqlx::query(sessions::SESSION_HOLDER)
                    .bind(id.0)
                    .fetch_optional(self.database.readers())
                    .await
                    .map_err(repository_error)?;
                let Some(row) = found else { return Ok(None) };
                let read = || {
                    let role: String = row.try_get("role")?;
                    Ok::<_, sqlx::Error>(SessionHolder {
                        user_id: UserId(row.try_get("userId")?),
                        role: known("role", &role, Role::from_name)?,
                        expires_at: row.try_get("expiresAt")?,
                    })
                };
                read().map(Some).map_err(repository_error)
            }

            async fn remove_expired_sessions(
                &self,
                now: DateTime<Utc>,
                max: u32,
            ) -> Result<u64, RepositoryError> {
                self.database.delete_expired($delete_expired, now, max).await.map_err(repository_error)
            }
        }
    };
}

/// Implements [`SessionWrites`](crate::repositories::SessionWrites) for a struct with the field `transaction` (the
/// driver's). `$lock_session` reads a session as `SELECT_SESSION` does, and holds it until the transaction ends.
macro_rules! implement_session_writes {
    ($transaction:ident, $lock_session:expr) => {
        #[async_trait]
        impl SessionWrites for $transaction {
            async fn lock_session(&mut self, id: SessionId) -> Result<Option<Session>, RepositoryError> {
                let found = sqlx::query($lock_session)
                    .bind(id.0)
                    .fetch_optional(&mut *self.transaction)
                    .await
                    .map_err(repository_error)?;
                let Some(row) = found else { return Ok(None) };
                let read = || {
                    Ok::<_, sqlx::Error>(Session {
                        id,
                        user_id: UserId(row.try_get("userId")?),
                        refresh_hash: RefreshHash::from_stored(hash(
                            "refreshHash",
                            row.try_get("refreshHash")?,
                        )?),
                        created_at: row.try_get("createdAt")?,
                        expires_at: row.try_get("expiresAt")?,
                    })
                };
                read().map(Some).map_err(repository_error)
            }

            async fn insert_session(&mut self, session: &Session) -> Result<(), RepositoryError> {
                sqlx::query(sessions::INSERT_SESSION)
                    .bind(session.id.0)
                    .bind(session.user_id.0)
                    .bind(session.refresh_hash.as_bytes().as_slice())
                    .bind(Moment(session.created_at))
                    .bind(Moment(session.expires_at))
                    .execute(&mut *self.transaction)
                    .await
                    .map(drop)
                    .map_err(repository_error)
            }

            async fn update_session(&mut self, session: &Session) -> Result<(), RepositoryError> {
                sqlx::query(sessions::UPDATE_SESSION)
                    .bind(session.refresh_hash.as_bytes().as_slice())
                    .bind(Moment(session.expires_at))
                    .bind(session.id.0)
                    .execute(&mut *self.transaction)
                    .await
                    .map(drop)
                    .map_err(repository_error)
            }

            async fn end_session(&mut self, id: SessionId) -> Result<(), RepositoryError> {
                sqlx::query(sessions::END_SESSION)
                    .bind(id.0)
                    .execute(&mut *self.transaction)
                    .await
                    .map(drop)
                    .map_err(repository_error)
            }

            async fn end_sessions_of(
                &mut self,
                user: UserId,
                but: Option<SessionId>,
            ) -> Result<(), RepositoryError> {
                sqlx::query(sessions::END_SESSIONS_OF)
                    .bind(user.0)
                    // No session has the nil id.
                    .bind(but.map_or(Uuid::nil(), |session| session.0))
                    .execute(&mut *self.transaction)
                    .await
                    .map(drop)
                    .map_err(repository_error)
            }
        }
    };
}

pub(in crate::data_sources) use {implement_session_repository, implement_session_writes};
