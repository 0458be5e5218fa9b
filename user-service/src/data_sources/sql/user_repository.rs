//! The accounts of a database of ours. A macro for the same reason as `user_transaction.rs`.

/// Implements [`UserRepository`](crate::repositories::UserRepository) for a struct with the field `database`,
/// whose transactions are `$transaction`. `$by_status`, if any, makes a statement use the index
/// `users_status`.
macro_rules! implement_user_repository {
    ($repository:ident, $transaction:ident, $by_status:expr) => {
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

            async fn find_by_login(&self, login: &Login) -> Result<Option<User>, RepositoryError> {
                let (sql, name) = match login {
                    Login::Username(username) => (statements::USER_BY_USERNAME, username.as_str()),
                    Login::Email(email) => (statements::USER_BY_EMAIL, email.as_str()),
                    // Looked for all the same, so that the time it takes tells nothing.
                    Login::Neither => (statements::USER_BY_USERNAME, ""),
                };
                let row = sqlx::query(sql)
                    .bind(name)
                    .fetch_optional(self.database.readers())
                    .await
                    .map_err(repository_error)?;
                // A row that is older than this service may have that name.
                let row = row.filter(|_| *login != Login::Neither);
                row.map(|row| user_from_row!(&row)).transpose().map_err(repository_error)
            }

            async fn unconfirmed_since(
                &self,
                before: DateTime<Utc>,
                max: u32,
            ) -> Result<Vec<UserId>, RepositoryError> {
                let ids: Vec<Uuid> = sqlx::query_scalar(statements::UNCONFIRMED_USERS)
                    .bind(Moment(before))
                    .bind(max)
                    .fetch_all(self.database.readers())
                    .await
                    .map_err(repository_error)?;
                Ok(ids.into_iter().map(UserId).collect())
            }

            async fn list(&self, page: PageRequest) -> Result<Vec<User>, RepositoryError> {
                let PageRequest { filter, after, limit } = page;
                // Made of constants alone; every value is bound.
                let sql = AssertSqlSafe(list_users(&filter, $by_status));
                let mut query = sqlx::query(sql).bind(after.map_or(Uuid::nil(), |id| id.0));
                if let Some(username) = &filter.username {
                    query = query.bind(username.as_str());
                }
                if let Some(email) = &filter.email {
                    query = query.bind(email.as_str());
                }
                if let Some(status) = filter.status {
                    query = query.bind(status.as_str());
                }
                let rows =
                    query.bind(limit).fetch_all(self.database.readers()).await.map_err(repository_error)?;
                rows.iter().map(|row| user_from_row!(row)).collect::<Result<_, _>>().map_err(repository_error)
            }

            async fn begin(&self) -> Result<Box<dyn UserTransaction>, RepositoryError> {
                let transaction = self.database.begin().await.map_err(repository_error)?;
                Ok(Box::new($transaction {
                    transaction,
                    written: Written::new(self.database.signal.clone(), self.database.tracer.clone()),
                }))
            }
        }
    };
}

pub(in crate::data_sources) use implement_user_repository;
