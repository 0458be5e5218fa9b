//! The answers to idempotent requests in a database of ours. Macros for the same reason as in `user_transaction.rs`.

pub(in crate::data_sources) const SELECT_ANSWER: &str = "SELECT bodyHash, answer, userId, expiresAt FROM idempotentAnswers \
     WHERE keyHash = ? AND answer IS NOT NULL";

/// The row is there without an answer only within the transaction that takes the key.
pub(in crate::data_sources) const TAKE_KEY: &str =
    "INSERT INTO idempotentAnswers (keyHash, bodyHash, expiresAt) VALUES (?, ?, ?)";

pub(in crate::data_sources) const KEEP_ANSWER: &str =
    "UPDATE idempotentAnswers SET userId = ?, answer = ? WHERE keyHash = ?";

/// Another caller may have taken the key anew meanwhile.
pub(in crate::data_sources) const FORGET_EXPIRED_ANSWER: &str =
    "DELETE FROM idempotentAnswers WHERE keyHash = ? AND expiresAt <= ?";

pub(in crate::data_sources) const FORGET_ANSWERS_ABOUT: &str =
    "DELETE FROM idempotentAnswers WHERE userId = ?";

#[cfg(feature = "mysql")]
pub(in crate::data_sources) const MYSQL_DELETE_EXPIRED_ANSWERS: &str =
    "DELETE FROM idempotentAnswers WHERE expiresAt < ? ORDER BY expiresAt LIMIT ?";

#[cfg(feature = "sqlite")]
pub(in crate::data_sources) const SQLITE_DELETE_EXPIRED_ANSWERS: &str = "DELETE FROM idempotentAnswers WHERE keyHash IN \
     (SELECT keyHash FROM idempotentAnswers WHERE expiresAt < ? ORDER BY expiresAt LIMIT ?)";

/// Implements [`AnswerRepository`](crate::repositories::AnswerRepository) for a struct with the field `database`.
/// `$delete_expired` deletes what expired before a moment, so many at most.
macro_rules! implement_answer_repository {
    ($repository:ident, $delete_expired:expr) => {
        #[async_trait]
        impl AnswerRepository for $repository {
            async fn answer(&self, key: Fingerprint) -> Result<Option<StoredAnswer>, RepositoryError> {
                let found = sqlx::query(answers::SELECT_ANSWER)
                    .bind(key.0.as_slice())
                    .fetch_optional(self.database.readers())
                    .await
                    .map_err(repository_error)?;
                let Some(row) = found else { return Ok(None) };
                let read = || {
                    Ok::<_, sqlx::Error>(StoredAnswer {
                        body: Fingerprint(hash("bodyHash", row.try_get("bodyHash")?)?),
                        text: row.try_get("answer")?,
                        user_id: row.try_get::<Option<Uuid>, _>("userId")?.map(UserId),
                        expires_at: row.try_get("expiresAt")?,
                    })
                };
                read().map(Some).map_err(repository_error)
            }

            async fn remove_expired_answers(
                &self,
                now: DateTime<Utc>,
                max: u32,
            ) -> Result<u64, RepositoryError> {
                self.database.delete_expired($delete_expired, now, max).await.map_err(repository_error)
            }
        }
    };
}

/// Implements [`AnswerWrites`](crate::repositories::AnswerWrites) for a struct with the field `transaction` (the
/// driver's).
macro_rules! implement_answer_writes {
    ($transaction:ident) => {
        #[async_trait]
        impl AnswerWrites for $transaction {
            async fn take_key(&mut self, request: &IdempotentRequest) -> Result<(), RepositoryError> {
                sqlx::query(answers::TAKE_KEY)
                    .bind(request.key.0.as_slice())
                    .bind(request.body.0.as_slice())
                    .bind(Moment(request.expires_at))
                    .execute(&mut *self.transaction)
                    .await
                    .map(drop)
                    .map_err(key_error)
            }

            async fn keep_answer(
                &mut self,
                key: Fingerprint,
                user: Option<UserId>,
                text: &str,
            ) -> Result<(), RepositoryError> {
                sqlx::query(answers::KEEP_ANSWER)
                    .bind(user.map(|id| id.0))
                    .bind(text)
                    .bind(key.0.as_slice())
                    .execute(&mut *self.transaction)
                    .await
                    .map(drop)
                    .map_err(repository_error)
            }

            async fn forget_expired_answer(
                &mut self,
                key: Fingerprint,
                now: DateTime<Utc>,
            ) -> Result<(), RepositoryError> {
                sqlx::query(answers::FORGET_EXPIRED_ANSWER)
                    .bind(key.0.as_slice())
                    .bind(Moment(now))
                    .execute(&mut *self.transaction)
                    .await
                    .map(drop)
                    .map_err(repository_error)
            }

            async fn forget_answers_about(&mut self, user: UserId) -> Result<(), RepositoryError> {
                sqlx::query(answers::FORGET_ANSWERS_ABOUT)
                    .bind(user.0)
                    .execute(&mut *self.transaction)
                    .await
                    .map(drop)
                    .map_err(repository_error)
            }
        }
    };
}

pub(in crate::data_sources) use {implement_answer_repository, implement_answer_writes};
