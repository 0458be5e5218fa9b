use std::time::Duration;

use sqlx::mysql::MySql;
use sqlx::{Executor, Transaction};
use uuid::Uuid;

use crate::data_sources::sql::{micros, shortened};
use crate::entities::{Answer, AttemptOutcome, DialogueStage, NotificationId};
use crate::repositories::KEPT_ATTEMPTS;

/// Writes an attempt down, and forgets those that are too many.
pub(super) async fn remember(
    transaction: &mut Transaction<'_, MySql>,
    id: NotificationId,
    outcome: AttemptOutcome,
    answer: &Answer,
) -> Result<(), sqlx::Error> {
    let query = sqlx::query(
        "INSERT INTO deliveryAttempts (notificationId, recordedAt, outcome, stage, words)
         VALUES (?, UTC_TIMESTAMP(6), ?, ?, ?)",
    )
    .bind(id.0)
    .bind(outcome.as_str())
    .bind(answer.stage.map(DialogueStage::as_str))
    .bind(shortened(&answer.words));
    transaction.execute(query).await?;
    if outcome.ends_the_mail() {
        return Ok(());
    }
    let first_of_too_many: Option<u64> = sqlx::query_scalar(
        "SELECT seq FROM deliveryAttempts WHERE notificationId = ? ORDER BY seq DESC LIMIT 1 OFFSET ?",
    )
    .bind(id.0)
    .bind(KEPT_ATTEMPTS)
    .fetch_optional(&mut **transaction)
    .await?;
    if let Some(seq) = first_of_too_many {
        let query = sqlx::query("DELETE FROM deliveryAttempts WHERE notificationId = ? AND seq <= ?");
        transaction.execute(query.bind(id.0).bind(seq)).await?;
    }
    Ok(())
}

/// Makes a mail that was put off older, and those that wait behind it. Nobody else can be writing to those: what
/// waits is not claimed.
pub(super) async fn grow_older(
    transaction: &mut Transaction<'_, MySql>,
    id: NotificationId,
    by: Duration,
) -> Result<(), sqlx::Error> {
    let (user_id, recipient, seq): (Uuid, String, u64) =
        sqlx::query_as("SELECT userId, recipient, seq FROM notifications WHERE id = ?")
            .bind(id.0)
            .fetch_one(&mut **transaction)
            .await?;
    let query = sqlx::query(
        "UPDATE notifications FORCE INDEX (notifications_turn) SET putOffFor = putOffFor + ?
         WHERE userId = ? AND recipient = ? AND state = 'queued' AND seq >= ?",
    );
    transaction.execute(query.bind(micros(by)).bind(user_id).bind(recipient).bind(seq)).await?;
    Ok(())
}
