use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shared_kernel::UserId;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::SqliteDatabase;
use super::sql::{
    Moment, Written, implement_user_repository, list_users, repository_error, statements, user_from_row,
};
use super::sqlite_user_transaction::SqliteUserTransaction;
use crate::entities::{Login, User};
use crate::repositories::{PageRequest, RepositoryError, UserRepository, UserTransaction};

/// Accounts on SQLite.
#[derive(Debug, Clone)]
pub struct SqliteUserRepository {
    database: SqliteDatabase,
}

impl SqliteUserRepository {
    /// The accounts of that database.
    pub fn new(database: SqliteDatabase) -> Self {
        Self { database }
    }
}

implement_user_repository!(SqliteUserRepository, SqliteUserTransaction, None);
