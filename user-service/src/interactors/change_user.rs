//! What every use case that changes an account shares.

use std::future::Future;

use crate::entities::ChangeStamp;
use crate::interactors::UserError;
use crate::repositories::{Clock, IdGenerator, RepositoryError};
use shared_kernel::EventId;

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
