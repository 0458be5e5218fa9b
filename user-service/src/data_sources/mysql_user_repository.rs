use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shared_kernel::UserId;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::MySqlDatabase;
use super::mysql_user_transaction::MySqlUserTransaction;
use super::sql::{
    Moment, Written, implement_user_repository, list_users, repository_error, statements, user_from_row,
};
use crate::entities::{Login, User};
use crate::repositories::{PageRequest, RepositoryError, UserRepository, UserTransaction};

/// Accounts on MySQL or MariaDB.
#[derive(Debug, Clone)]
pub struct MySqlUserRepository {
    database: MySqlDatabase,
}

impl MySqlUserRepository {
    /// The accounts of that database.
    pub fn new(database: MySqlDatabase) -> Self {
        Self { database }
    }
}

implement_user_repository!(MySqlUserRepository, MySqlUserTransaction, Some("FORCE INDEX (users_status)"));
