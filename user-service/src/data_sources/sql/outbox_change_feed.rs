//! The outbox as a change feed, by reading it again and again. A macro for the same reason as
//! `user_transaction.rs`.

/// Defines `$feed`, the polled [`ChangeFeed`](crate::repositories::ChangeFeed) of a `$database` of ours, but
/// for its method `delete`, which removes rows of the outbox.
macro_rules! outbox_change_feed {
    ($feed:ident, $database:ident) => {
        /// Follows the outbox by reading it: at once after a commit of this process, and at every interval for
        /// what other processes committed. An acknowledged row is deleted.
        #[derive(Debug)]
        pub struct $feed {
            database: $database,
            poll_interval: Duration,
            in_hand: crate::data_sources::sql::InHand,
        }

        impl $feed {
            /// Follows the outbox of that database.
            pub fn new(database: $database, poll_interval: Duration) -> Self {
                Self { database, poll_interval, in_hand: Default::default() }
            }

            /// The oldest that are not in hand.
            async fn oldest(&self, max: usize) -> Result<Vec<CapturedChange>, ChangeFeedError> {
                let rows = sqlx::query(statements::OLDEST_OUTBOX)
                    .bind(self.in_hand.to_read(max))
                    .fetch_all(self.database.readers())
                    .await
                    .map_err(feed_error)?;
                let changes: Vec<_> = rows
                    .iter()
                    .map(|row| captured_change!(row))
                    .collect::<Result<_, _>>()
                    .map_err(feed_error)?;
                Ok(self.in_hand.take(changes, max))
            }
        }

        #[async_trait]
        impl ChangeFeed for $feed {
            async fn next(&self, max: usize, wait: Duration) -> Result<Vec<CapturedChange>, ChangeFeedError> {
                let deadline = tokio::time::Instant::now() + wait;
                loop {
                    let changes = self.oldest(max).await.inspect_err(|_failed| self.rewind())?;
                    let left = deadline.saturating_duration_since(tokio::time::Instant::now());
                    if !changes.is_empty() || left.is_zero() {
                        return Ok(changes);
                    }
                    self.database.signal.wait(left.min(self.poll_interval)).await;
                }
            }

            async fn acknowledge(&self, positions: &[i64]) -> Result<(), ChangeFeedError> {
                if positions.is_empty() {
                    return Ok(());
                }
                self.delete(&self.in_hand.of(positions)).await.map_err(feed_error)?;
                self.in_hand.settle(positions);
                Ok(())
            }

            async fn bury(&self, position: i64, reason: &str) -> Result<(), ChangeFeedError> {
                bury_outbox!(self.database, statements::BURY_OUTBOX, position, reason)?;
                self.in_hand.settle(&[position]);
                Ok(())
            }

            fn rewind(&self) {
                self.in_hand.clear();
            }
        }
    };
}

/// Sets a change aside, by a `$statement` that copies its row: all of it or nothing.
macro_rules! bury_outbox {
    ($database:expr, $statement:expr, $position:expr, $reason:expr) => {
        async {
            let reason: String = $reason.chars().take(1000).collect();
            let mut transaction = $database.begin().await?;
            sqlx::query($statement).bind(reason).bind($position).execute(&mut *transaction).await?;
            sqlx::query(crate::data_sources::sql::statements::DELETE_ONE_OUTBOX)
                .bind($position)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await
        }
        .await
        .map_err(crate::data_sources::sql::feed_error)
    };
}

pub(in crate::data_sources) use bury_outbox;
pub(in crate::data_sources) use outbox_change_feed;
