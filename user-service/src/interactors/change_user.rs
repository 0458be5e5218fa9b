//! What every use case that changes an account shares.

use std::future::Future;

use chrono::{DateTime, Utc};
use shared_kernel::EventId;

use crate::entities::{self, ChangeStamp, User};
use crate::interactors::UserError;
use crate::repositories::{Clock, IdGenerator, RepositoryError, UserTransaction};

/// How often a transaction is tried when others are in its way.
const ATTEMPTS: u32 = 5;

/// The moment and the id of a change that is made now.
pub(super) fn stamp(clock: &dyn Clock, ids: &dyn IdGenerator) -> ChangeStamp {
    ChangeStamp { event_id: EventId(ids.next_id()), at: clock.now() }
}

/// Runs a whole transaction, again when another one was in its way: it left nothing behind then.
pub(super) async fn with_retries<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, UserError>
where
    F: Future<Output = Result<T, UserError>>,
{
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(UserError::Repository(RepositoryError::Contention(_))) => {}
            done => return done,
        }
    }
    attempt().await
}

/// Writes a changed account that was locked before, tells of the change and commits.
pub(super) async fn write(
    mut transaction: Box<dyn UserTransaction>,
    before: &User,
    after: &User,
    traceparent: Option<String>,
) -> Result<(), UserError> {
    transaction.update(after).await?;
    transaction.append(&entities::updated(before, after, traceparent)).await?;
    Ok(transaction.commit().await?)
}

/// Removes an account that was locked before with all that belongs to it, tells of it and commits. The event has an id of
/// the account's own, so it needs no new one.
pub(super) async fn remove(
    mut transaction: Box<dyn UserTransaction>,
    user: &User,
    at: DateTime<Utc>,
    traceparent: Option<String>,
) -> Result<(), UserError> {
    transaction.end_sessions_of(user.id, None).await?;
    transaction.forget_answers_about(user.id).await?;
    transaction.delete(user.id).await?;
    transaction.append(&entities::deleted(user, at, traceparent)).await?;
    Ok(transaction.commit().await?)
}
