//! The accounts of a database of ours. A macro for the same reason as `user_transaction.rs`.

/// Implements [`UserRepository`](crate::repositories::UserRepository) for a struct with the field `database`,
/// whose transactions are `$transaction`.
macro_rules! implement_user_repository {
    ($repository:ident, $transaction:ident) => {
        #[async_trait]
        impl UserRepository for $repository {
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
                Ok(Box::new($transaction { transaction, signal: self.database.signal.clone() }))
            }
        }
    };
}

pub(in crate::data_sources) use implement_user_repository;
