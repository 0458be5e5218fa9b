use async_trait::async_trait;
use shared_kernel::{UserEvent, UserId};
use sqlx::{MySql, Transaction};
use uuid::Uuid;

use super::MySqlDatabase;
use super::sql::{
    ChangeSignal, bind_user, encoded_payload, implement_user_repository, implement_user_transaction,
    is_unique_violation, repository_error, statements, taken_fields, user_from_row,
};
use crate::entities::User;
use crate::repositories::{PageRequest, RepositoryError, UserRepository, UserTransaction};

/// Accounts on MySQL or MariaDB. A row is held by `SELECT … FOR UPDATE`.
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

struct MySqlUserTransaction {
    transaction: Transaction<'static, MySql>,
    signal: ChangeSignal,
}

implement_user_repository!(MySqlUserRepository, MySqlUserTransaction);
implement_user_transaction!(MySqlUserTransaction, statements::LOCK_USER);
