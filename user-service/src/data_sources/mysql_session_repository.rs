use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shared_kernel::UserId;
use sqlx::Row as _;

use super::MySqlDatabase;
use super::sql::{implement_session_repository, known, repository_error, sessions};
use crate::entities::{Role, SessionId};
use crate::repositories::{RepositoryError, SessionHolder, SessionRepository};

/// Sessions on MySQL or MariaDB.
#[derive(Debug, Clone)]
pub struct MySqlSessionRepository {
    database: MySqlDatabase,
}

impl MySqlSessionRepository {
    /// The sessions of that database.
    pub fn new(database: MySqlDatabase) -> Self {
        Self { database }
    }
}

implement_session_repository!(MySqlSessionRepository, sessions::MYSQL_DELETE_EXPIRED_SESSIONS);
