//! One transaction over the accounts and the outbox. A macro, because the drivers' types share no trait by
//! which one generic implementation could read well; what differs is the statement that holds a row.

/// Implements [`UserTransaction`](crate::repositories::UserTransaction) for a struct with the fields
/// `transaction` (the driver's) and `written`. `$lock_user` reads a user as `SELECT_USER` does, and holds it
/// until the transaction ends.
macro_rules! implement_user_transaction {
    ($transaction:ident, $lock_user:expr) => {
        #[async_trait]
        impl UserTransaction for $transaction {
            async fn lock(&mut self, id: UserId) -> Result<Option<User>, RepositoryError> {
                let row = sqlx::query($lock_user)
                    .bind(id.0)
                    .fetch_optional(&mut *self.transaction)
                    .await
                    .map_err(repository_error)?;
                row.map(|row| user_from_row!(&row)).transpose().map_err(repository_error)
            }

            async fn insert(&mut self, user: &User) -> Result<(), RepositoryError> {
                let result = bind_user!(statements::INSERT_USER, user).execute(&mut *self.transaction).await;
                self.name_what_is_taken(user, result.map(drop)).await
            }

            async fn update(&mut self, user: &User) -> Result<(), RepositoryError> {
                let result = bind_user!(statements::UPDATE_USER, user).execute(&mut *self.transaction).await;
                self.name_what_is_taken(user, result.map(drop)).await
            }

            async fn rehash(&mut self, id: UserId, hash: &PasswordHash) -> Result<(), RepositoryError> {
                sqlx::query(statements::REHASH)
                    .bind(hash.expose())
                    .bind(id.0)
                    .execute(&mut *self.transaction)
                    .await
                    .map(drop)
                    .map_err(repository_error)
            }

            async fn delete(&mut self, id: UserId) -> Result<(), RepositoryError> {
                sqlx::query(statements::DELETE_USER)
                    .bind(id.0)
                    .execute(&mut *self.transaction)
                    .await
                    .map(drop)
                    .map_err(repository_error)
            }

            async fn append(&mut self, event: &UserEvent) -> Result<(), RepositoryError> {
                sqlx::query(statements::APPEND_OUTBOX)
                    .bind(event.metadata.id.0)
                    .bind(event.metadata.subject.0)
                    .bind(event.metadata.event_type.as_str())
                    .bind(Moment(event.metadata.time))
                    .bind(encoded_payload(event))
                    .bind(event.metadata.traceparent.as_deref())
                    .execute(&mut *self.transaction)
                    .await
                    .map_err(repository_error)?;
                self.written.appended(event);
                Ok(())
            }

            async fn commit(self: Box<Self>) -> Result<(), RepositoryError> {
                let committed = self.transaction.commit().await.map_err(repository_error);
                self.written.ended(&committed);
                committed
            }
        }

        impl $transaction {
            /// The drivers do not say alike which key a row violates, so the other row is looked for. When it is
            /// gone by then, trying again helps.
            async fn name_what_is_taken(
                &mut self,
                user: &User,
                result: Result<(), sqlx::Error>,
            ) -> Result<(), RepositoryError> {
                let error = match result {
                    Err(error) if is_unique_violation(&error) => error,
                    other => return other.map_err(repository_error),
                };
                let same_username =
                    self.another_has(statements::SAME_USERNAME, user.username.as_str(), user.id).await?;
                let same_email =
                    self.another_has(statements::SAME_EMAIL, user.email.as_str(), user.id).await?;
                let taken = taken_fields(same_username, same_email);
                if taken.is_empty() {
                    return Err(RepositoryError::Contention(Box::new(error)));
                }
                Err(RepositoryError::Taken(taken))
            }

            async fn another_has(
                &mut self,
                sql: &'static str,
                value: &str,
                id: UserId,
            ) -> Result<bool, RepositoryError> {
                let count: i64 = sqlx::query_scalar(sql)
                    .bind(value)
                    .bind(id.0)
                    .fetch_one(&mut *self.transaction)
                    .await
                    .map_err(repository_error)?;
                Ok(count > 0)
            }
        }
    };
}

pub(in crate::data_sources) use implement_user_transaction;
