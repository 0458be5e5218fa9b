use async_trait::async_trait;
use shared_kernel::{UserEvent, UserId};
use sqlx::{MySql, Transaction};
use uuid::Uuid;

use super::MySqlDatabase;
use super::sql::{
    ChangeSignal, bind_user, encoded_payload, implement_user_transaction, is_unique_violation,
    repository_error, statements, taken_fields, user_from_row,
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

#[async_trait]
impl UserRepository for MySqlUserRepository {
    async fn find(&self, id: UserId) -> Result<Option<User>, RepositoryError> {
        let row = sqlx::query(statements::SELECT_USER)
            .bind(id.0)
            .fetch_optional(self.database.readers())
            .await
            .map_err(repository_error)?;
        row.map(|row| user_from_row!(&row)).transpose().map_err(repository_error)
    }

    async fn list(&self, page: PageRequest) -> Result<Vec<User>, RepositoryError> {
        let rows = sqlx::query(statements::LIST_USERS)
            .bind(page.after.map_or(Uuid::nil(), |id| id.0))
            .bind(page.limit)
            .fetch_all(self.database.readers())
            .await
            .map_err(repository_error)?;
        rows.iter().map(|row| user_from_row!(row)).collect::<Result<_, _>>().map_err(repository_error)
    }

    async fn begin(&self) -> Result<Box<dyn UserTransaction>, RepositoryError> {
        let transaction = self.database.begin().await.map_err(repository_error)?;
        Ok(Box::new(MySqlUserTransaction { transaction, signal: self.database.signal.clone() }))
    }
}

implement_user_transaction!(MySqlUserTransaction, statements::LOCK_USER);
