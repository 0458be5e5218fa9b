use async_trait::async_trait;
use shared_kernel::{UserEvent, UserId};
use sqlx::{Sqlite, Transaction};
use uuid::Uuid;

use super::SqliteDatabase;
use super::sql::{
    ChangeSignal, bind_user, encoded_payload, implement_user_repository, implement_user_transaction,
    is_unique_violation, repository_error, statements, taken_fields, user_from_row,
};
use crate::entities::User;
use crate::repositories::{PageRequest, RepositoryError, UserRepository, UserTransaction};

/// Accounts on SQLite. A transaction begins with `BEGIN IMMEDIATE`, so it holds not only a row but the
/// whole file, and never has to be tried again because it began by reading.
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

struct SqliteUserTransaction {
    transaction: Transaction<'static, Sqlite>,
    signal: ChangeSignal,
}

implement_user_repository!(SqliteUserRepository, SqliteUserTransaction);
implement_user_transaction!(SqliteUserTransaction, statements::SELECT_USER);
