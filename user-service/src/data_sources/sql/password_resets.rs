//! The requests for a password reset in a database of ours. Macros for the same reason as in `user_transaction.rs`.

/// From the beginning each time: what is dealt with is deleted. The ids are in the order of the requests.
pub(in crate::data_sources) const OLDEST_REQUESTS: &str =
    "SELECT id, email, requestedAt, traceparent FROM passwordResetRequests ORDER BY id LIMIT ?";

pub(in crate::data_sources) const ADD_REQUEST: &str =
    "INSERT INTO passwordResetRequests (id, email, requestedAt, traceparent) VALUES (?, ?, ?, ?)";

pub(in crate::data_sources) const TAKE_REQUEST: &str = "DELETE FROM passwordResetRequests WHERE id = ?";

/// Implements [`PasswordResetInbox`](crate::repositories::PasswordResetInbox) for a struct with the field `database`.
macro_rules! implement_password_reset_inbox {
    ($inbox:ident) => {
        #[async_trait]
        impl PasswordResetInbox for $inbox {
            async fn oldest_reset_requests(
                &self,
                max: u32,
            ) -> Result<Vec<PasswordResetRequest>, RepositoryError> {
                let rows = sqlx::query(password_resets::OLDEST_REQUESTS)
                    .bind(max)
                    .fetch_all(self.database.readers())
                    .await
                    .map_err(repository_error)?;
                rows.iter()
                    .map(|row| {
                        Ok(PasswordResetRequest {
                            id: row.try_get("id")?,
                            email: EmailAddress::from_stored(row.try_get("email")?),
                            requested_at: row.try_get("requestedAt")?,
                            traceparent: row.try_get("traceparent")?,
                        })
                    })
                    .collect::<Result<_, _>>()
                    .map_err(repository_error)
            }
        }
    };
}

/// Implements [`PasswordResetWrites`](crate::repositories::PasswordResetWrites) for a struct with the field
/// `transaction` (the driver's).
macro_rules! implement_password_reset_writes {
    ($transaction:ident) => {
        #[async_trait]
        impl PasswordResetWrites for $transaction {
            async fn add_reset_request(
                &mut self,
                request: &PasswordResetRequest,
            ) -> Result<(), RepositoryError> {
                sqlx::query(password_resets::ADD_REQUEST)
                    .bind(request.id)
                    .bind(request.email.as_str())
                    .bind(Moment(request.requested_at))
                    .bind(request.traceparent.as_deref())
                    .execute(&mut *self.transaction)
                    .await
                    .map(drop)
                    .map_err(repository_error)
            }

            async fn take_reset_request(&mut self, id: Uuid) -> Result<bool, RepositoryError> {
                let taken = sqlx::query(password_resets::TAKE_REQUEST)
                    .bind(id)
                    .execute(&mut *self.transaction)
                    .await
                    .map_err(repository_error)?;
                Ok(taken.rows_affected() > 0)
            }
        }
    };
}

pub(in crate::data_sources) use {implement_password_reset_inbox, implement_password_reset_writes};
