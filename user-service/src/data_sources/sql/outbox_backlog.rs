//! What is in the outbox. A macro for the same reason as `user_transaction.rs`.

/// Defines `$backlog`, the [`OutboxBacklog`](crate::repositories::OutboxBacklog) of a `$database` of ours.
macro_rules! outbox_backlog {
    ($backlog:ident, $database:ident) => {
        /// Looks at the outbox.
        #[derive(Debug)]
        pub struct $backlog {
            database: $database,
        }

        impl $backlog {
            /// Looks at the outbox of that database.
            pub fn new(database: $database) -> Self {
                Self { database }
            }
        }

        #[async_trait]
        impl OutboxBacklog for $backlog {
            async fn oldest(&self) -> Result<Option<i64>, ChangeFeedError> {
                sqlx::query_scalar(statements::OLDEST_NUMBER)
                    .fetch_one(self.database.readers())
                    .await
                    .map_err(feed_error)
            }

            async fn waiting(&self) -> Result<WaitingChanges, ChangeFeedError> {
                let count: i64 = sqlx::query_scalar(statements::COUNT_WAITING)
                    .bind(MOST_COUNTED)
                    .fetch_one(self.database.readers())
                    .await
                    .map_err(feed_error)?;
                let since = sqlx::query_scalar(statements::OLDEST_TIME)
                    .fetch_optional(self.database.readers())
                    .await
                    .map_err(feed_error)?;
                Ok(WaitingChanges { count: count.unsigned_abs(), since })
            }

            async fn count_dead(&self) -> Result<u64, ChangeFeedError> {
                self.database.count_dead().await.map_err(feed_error)
            }
        }
    };
}

pub(in crate::data_sources) use outbox_backlog;
