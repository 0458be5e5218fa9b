use std::time::Duration;

use shared_kernel::in_words;
use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

use super::super::error::BinlogError;
use super::pending::Pending;
use super::tail::Tail;
use crate::data_sources::MySqlDatabase;
use crate::data_sources::sql::{feed_error, statements};
use crate::repositories::{CapturedChange, ChangeFeedError};

/// How long a caller who does not want to wait is kept when there is something in the table that the log has not
/// brought yet.
const CATCH_UP: Duration = Duration::from_secs(1);

/// What comes by the log, with an eye on the table.
#[derive(Debug)]
pub(super) struct Tailing {
    tail: Tail,
    database: MySqlDatabase,
    check_interval: Duration,
    next_check: Instant,
    /// The oldest row when the table was last looked at.
    oldest: Option<i64>,
    /// What ended the log, to be told when everything that came before is acknowledged.
    broken: Option<BinlogError>,
}

impl Tailing {
    /// Looks so often whether a row stays in the table that does not come.
    pub(super) fn new(tail: Tail, database: MySqlDatabase, check_interval: Duration) -> Self {
        let next_check = Instant::now() + check_interval;
        Self { tail, database, check_interval, next_check, oldest: None, broken: None }
    }

    /// The next of what is pending, which is added to; `None` when there is something in the table that does not come
    /// by the log. That and an error are told when all that came before is settled. Cancelling loses nothing.
    pub(super) async fn next(
        &mut self,
        pending: &Pending,
        max: usize,
        wait: Duration,
        mut deadline: Instant,
    ) -> Result<Option<Vec<CapturedChange>>, ChangeFeedError> {
        let mut may_catch_up = wait.is_zero();
        loop {
            self.take_up(pending, max);
            let changes = pending.next(max);
            if !changes.is_empty() {
                return Ok(Some(changes));
            }
            if self.broken.is_some() && !pending.is_empty() {
                match timeout_at(deadline, pending.changed()).await {
                    Ok(()) => continue,
                    Err(_elapsed) => return Ok(Some(vec![])),
                }
            }
            match self.broken.take() {
                Some(error) if error.asks_for_a_sweep() => {
                    info!(cause = in_words(&error), "the table is swept");
                    return Ok(None);
                }
                Some(error) => return Err(error.into()),
                None => {}
            }
            if Instant::now() >= self.next_check && self.is_stuck(pending).await? {
                warn!("a row of the outbox did not come by the binary log; the table is swept");
                return Ok(None);
            }
            match timeout_at(deadline.min(self.next_check), self.tail.changes.recv()).await {
                Ok(came) => self.keep(pending, came),
                Err(_elapsed) if Instant::now() < deadline => {}
                Err(_elapsed) if may_catch_up && self.oldest_in_table().await?.is_some() => {
                    may_catch_up = false;
                    deadline = Instant::now() + CATCH_UP;
                }
                Err(_elapsed) => return Ok(Some(vec![])),
            }
        }
    }

    /// Takes over what has been read, up to so many changes that have not been returned.
    fn take_up(&mut self, pending: &Pending, max: usize) {
        while self.broken.is_none() && pending.ahead() < max {
            match self.tail.changes.try_recv() {
                Ok(came) => self.keep(pending, Some(came)),
                Err(_none_yet) => break,
            }
        }
    }

    fn keep(&mut self, pending: &Pending, came: Option<Result<CapturedChange, BinlogError>>) {
        match came {
            Some(Ok(change)) => pending.push(change),
            Some(Err(error)) => self.broken = Some(error),
            None => self.broken = Some(BinlogError::Ended),
        }
    }

    /// Looks at the table when nothing is pending. A row that was the oldest already when it was last looked at has not
    /// come by the log in all that time.
    async fn is_stuck(&mut self, pending: &Pending) -> Result<bool, ChangeFeedError> {
        let oldest = if pending.is_empty() { self.oldest_in_table().await? } else { None };
        let stuck = oldest.is_some() && oldest == self.oldest;
        self.oldest = oldest;
        self.next_check = Instant::now() + self.check_interval;
        Ok(stuck)
    }

    async fn oldest_in_table(&self) -> Result<Option<i64>, ChangeFeedError> {
        sqlx::query_scalar(statements::OLDEST_NUMBER)
            .fetch_one(self.database.readers())
            .await
            .map_err(feed_error)
    }
}
