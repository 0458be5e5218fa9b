use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shared_kernel::UserId;
use sqlx::Row as _;

use super::SqliteDatabase;
use super::sql::{implement_session_repository, known, repository_error, sessions};
use crate::entities::{Role, SessionId};
use crate::repositories::{RepositoryError, SessionHolder, SessionRepository};

/// Sessions on SQLite.
#[derive(Debug, Clone)]
pub struct SqliteSessionRepository {
    database: SqliteDatabase,
}

impl SqliteSessionRepository {
    /// The sessions of that database.
    pub fn new(database: SqliteDatabase) -> Self {
        Self { database }
    }
}

implement_session_repository!(SqliteSessionRepository, sessions::SQLITE_DELETE_EXPIRED_SESSIONS);
