//! Where a change goes that can never be published.

use chrono::{DateTime, Utc};
use shared_kernel::{EventId, UserId};
use uuid::Uuid;

use super::entry::Origin;
use crate::data_sources::MySqlDatabase;
use crate::data_sources::sql::{Moment, bury_outbox, encoded_payload, feed_error, statements};
use crate::repositories::{ChangeFeedError, Content};

const IS_BURIED: &str = "SELECT COUNT(*) FROM deadOutbox WHERE id = ?";

/// Below the numbers of the outbox, none of which a row of `users` has.
const NEXT_NUMBER: &str = "SELECT LEAST(COALESCE(MIN(seq), 0), 0) - 1 FROM deadOutbox";

const BURY: &str = "INSERT INTO deadOutbox (seq, id, userId, eventType, occurredAt, payload, reason) VALUES (?, ?, ?, ?, ?, ?, ?)";

/// Sets a change aside: all of it or nothing. One that is there already stays as it is.
pub(super) async fn bury(
    database: &MySqlDatabase,
    content: &Content,
    origin: &Origin,
    reason: &str,
) -> Result<(), ChangeFeedError> {
    let row = match (origin, content) {
        (Origin::Outbox { seq }, _) => {
            return bury_outbox!(database, statements::BURY_LOCKED_OUTBOX, *seq, reason);
        }
        (_, Content::Event(event)) => DeadRow {
            id: event.metadata.id,
            user: event.metadata.subject,
            event_type: event.metadata.event_type.as_str(),
            occurred_at: event.metadata.time,
            payload: encoded_payload(event),
        },
        (Origin::BadRow(facts), Content::Unreadable(_)) => DeadRow {
            id: facts.id,
            user: facts.user.unwrap_or(UserId(Uuid::nil())),
            event_type: facts.event_type,
            occurred_at: DateTime::from_timestamp_millis(facts.committed_ms).unwrap_or_default(),
            payload: facts.payload.clone(),
        },
        // Every row that cannot be read has its facts, and no row of users is of a newer version.
        (Origin::Users, Content::Unreadable(_)) | (_, Content::Newer(_)) => return Ok(()),
    };
    row.bury(database, reason).await.map_err(feed_error)
}

struct DeadRow {
    id: EventId,
    user: UserId,
    event_type: &'static str,
    occurred_at: DateTime<Utc>,
    payload: String,
}

impl DeadRow {
    async fn bury(self, database: &MySqlDatabase, reason: &str) -> Result<(), sqlx::Error> {
        let mut transaction = database.begin().await?;
        let buried: i64 = sqlx::query_scalar(IS_BURIED).bind(self.id.0).fetch_one(&mut *transaction).await?;
        if buried == 0 {
            let number: i64 = sqlx::query_scalar(NEXT_NUMBER).fetch_one(&mut *transaction).await?;
            sqlx::query(BURY)
                .bind(number)
                .bind(self.id.0)
                .bind(self.user.0)
                .bind(self.event_type)
                .bind(Moment(self.occurred_at))
                .bind(self.payload)
                .bind(reason.chars().take(1000).collect::<String>())
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await
    }
}
