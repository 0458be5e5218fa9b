use std::time::Duration;

use sqlx::sqlite::Sqlite;
use sqlx::{Executor, Transaction};

use super::ledger::now_in_micros;
use crate::data_sources::sql::{micros, shortened};
use crate::entities::{Answer, AttemptOutcome, DialogueStage, NotificationId};
use crate::repositories::KEPT_ATTEMPTS;

/// Writes an attempt down, and forgets those that are too many.
pub(super) async fn remember(
    transaction: &mut Transaction<'_, Sqlite>,
    id: NotificationId,
    outcome: AttemptOutcome,
    answer: &Answer,
) -> Result<(), sqlx::Error> {
    let query = sqlx::query(concat!(
        "INSERT INTO deliveryAttempts (notificationId, recordedAt, outcome, stage, words)
         VALUES (?, ",
        now_in_micros!(),
        ", ?, ?, ?)"
    ))
    .bind(id.0)
    .bind(outcome.as_str())
    .bind(answer.stage.map(DialogueStage::as_str))
    .bind(shortened(&answer.words));
    transaction.execute(query).await?;
    if outcome.ends_the_mail() {
        return Ok(());
    }
    let query = sqlx::query(
        "DELETE FROM deliveryAttempts WHERE notificationId = ?1 AND seq <= (
             SELECT seq FROM deliveryAttempts WHERE notificationId = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
    );
    transaction.execute(query.bind(id.0).bind(KEPT_ATTEMPTS)).await?;
    Ok(())
}

/// Makes a mail that was put off older, and those that wait behind it.
pub(super) async fn grow_older(
    transaction: &mut Transaction<'_, Sqlite>,
    id: NotificationId,
    by: Duration,
) -> Result<(), sqlx::Error> {
    let query = sqlx::query(
        "UPDATE notifications SET putOffFor = notifications.putOffFor + ? FROM notifications head
         WHERE head.id = ? AND notifications.userId = head.userId AND notifications.recipient = head.recipient
           AND notifications.state = 'queued' AND notifications.seq >= head.seq",
    );
    transaction.execute(query.bind(micros(by)).bind(id.0)).await?;
    Ok(())
}
