use std::mem;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::AbortOnDropHandle;
use tracing::info;

use super::super::error::BinlogError;
use super::super::lock::{Holder, RelayLock};
use super::super::server::BinlogServer;
use super::pending::Pending;
use super::start::Start;
use super::tail::Tail;
use super::tailing::Tailing;
use crate::data_sources::MySqlDatabase;
use crate::data_sources::sql::{InHand, bury_outbox, captured_change, feed_error, statements};
use crate::repositories::{CapturedChange, ChangeFeed, ChangeFeedError};

/// Follows the outbox by the server's binary log: a change is there milliseconds after its commit, in the order of the
/// commits. An acknowledged row is deleted.
///
/// At first, and whenever the log is interrupted, it sweeps the table in the order of `seq` until everything up to a
/// marker of its own is acknowledged, and only then reads the log from the marker on (ADR 8 says why nothing is
/// missed). What the sweep has returned does not come again by the log. When a row stays in the table that the log
/// does not bring, or the log has something that cannot be read, it begins anew.
///
/// Of all the feeds on a database one is active, and the others' [`next`](ChangeFeed::next) returns nothing until it
/// is gone. One that was stopped, or that cannot reach the server, loses its place within five seconds, notices before
/// it returns anything more, and waits for its turn again.
///
/// An interruption is told once, as [`ChangeFeedError::Unavailable`]; the next call begins anew. A server that is not
/// set up for this, or that refuses the user, is [`ChangeFeedError::Failed`]. Transactions of the XA protocol must not
/// write to the outbox: they are in the log before it is settled whether they count.
#[derive(Debug)]
pub struct MySqlBinlogOutboxChangeFeed {
    database: MySqlDatabase,
    server: Arc<BinlogServer>,
    check_interval: Duration,
    progress: tokio::sync::Mutex<Progress>,
    /// Set once the lock is waited for.
    holder: OnceLock<Holder>,
    /// What the sweep has returned.
    swept: InHand,
    /// What came by the log.
    pending: Pending,
}

#[derive(Debug)]
struct Progress {
    lock: Option<RelayLock>,
    /// The term of office that the phase belongs to.
    term: u64,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Begin,
    /// In a task of its own, which a caller who is cancelled does not take along.
    Starting(AbortOnDropHandle<Result<Start, BinlogError>>),
    Sweeping(Box<Start>),
    Tailing(Tailing),
}

impl MySqlBinlogOutboxChangeFeed {
    /// Follows the outbox of that database, which is at that URL. So often it looks whether a row stays in the table
    /// that the log does not bring.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError::Failed`] when the URL is not one.
    pub fn new(
        database: MySqlDatabase,
        url: &str,
        check_interval: Duration,
    ) -> Result<Self, ChangeFeedError> {
        Ok(Self {
            database,
            server: Arc::new(BinlogServer::new(url)?),
            check_interval,
            progress: tokio::sync::Mutex::new(Progress { lock: None, term: 0, phase: Phase::Begin }),
            holder: OnceLock::new(),
            swept: InHand::default(),
            pending: Pending::default(),
        })
    }

    /// Finds out whether the server is set up for this and lets this user read its binary log.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError::Failed`] names the setting or the privilege, and the fix; [`ChangeFeedError::Unavailable`]
    /// when the server cannot be asked.
    pub async fn check(&self) -> Result<(), ChangeFeedError> {
        Ok(self.server.check().await?)
    }

    /// Drops what is not acknowledged: it is in the table, and the next sweep returns it.
    fn begin_anew(&self, phase: &mut Phase) {
        *phase = Phase::Begin;
        self.swept.clear();
        self.pending.clear();
    }

    /// What there is next, in whichever phase this is.
    async fn step(
        &self,
        phase: &mut Phase,
        max: usize,
        wait: Duration,
        deadline: Instant,
    ) -> Result<Vec<CapturedChange>, ChangeFeedError> {
        loop {
            match phase {
                Phase::Begin => {
                    let start = Start::new(self.server.clone(), self.database.clone());
                    *phase = Phase::Starting(AbortOnDropHandle::new(tokio::spawn(start)));
                }
                Phase::Starting(task) => {
                    let start = task.await.unwrap_or(Err(BinlogError::Ended))?;
                    *phase = Phase::Sweeping(Box::new(start));
                }
                Phase::Sweeping(start) => {
                    let changes = self.sweep(max, start.swept_through).await?;
                    if !changes.is_empty() {
                        return Ok(changes);
                    }
                    if !self.swept.is_empty() {
                        match timeout_at(deadline, self.swept.changed()).await {
                            Ok(()) => continue,
                            Err(_elapsed) => return Ok(vec![]),
                        }
                    }
                    if let Phase::Sweeping(start) = mem::replace(phase, Phase::Begin) {
                        info!(file = start.from.file, offset = start.from.offset, "following the binary log");
                        let tail = Tail::begin(self.server.clone(), self.database.clone(), *start);
                        let database = self.database.clone();
                        *phase = Phase::Tailing(Tailing::new(tail, database, self.check_interval));
                    }
                }
                Phase::Tailing(tailing) => {
                    if let Some(changes) = tailing.next(&self.pending, max, wait, deadline).await? {
                        return Ok(changes);
                    }
                    self.begin_anew(phase);
                }
            }
        }
    }

    /// From the beginning each time: a row with a smaller number may be committed later.
    async fn sweep(&self, max: usize, through: i64) -> Result<Vec<CapturedChange>, ChangeFeedError> {
        let rows = sqlx::query(statements::OLDEST_OUTBOX_THROUGH)
            .bind(through)
            .bind(self.swept.to_read(max))
            .fetch_all(self.database.readers())
            .await
            .map_err(feed_error)?;
        let changes: Vec<_> =
            rows.iter().map(|row| captured_change!(row)).collect::<Result<_, _>>().map_err(feed_error)?;
        Ok(self.swept.take(changes, max))
    }

    fn settle(&self, positions: &[i64]) {
        self.swept.settle(positions);
        self.pending.settle(positions);
    }
}

#[async_trait]
impl ChangeFeed for MySqlBinlogOutboxChangeFeed {
    async fn next(&self, max: usize, wait: Duration) -> Result<Vec<CapturedChange>, ChangeFeedError> {
        let deadline = Instant::now() + wait;
        let mut progress = self.progress.lock().await;
        let Progress { lock, term, phase } = &mut *progress;
        let lock = lock.get_or_insert_with(|| {
            let lock = RelayLock::wait_for(self.database.clone());
            self.holder.get_or_init(|| lock.holder());
            lock
        });
        loop {
            let current = lock.term(deadline).await?;
            if current != Some(*term) {
                self.begin_anew(phase);
            }
            let Some(current) = current else { return Ok(vec![]) };
            *term = current;
            let step = tokio::select! {
                step = self.step(phase, max, wait, deadline) => step,
                () = lock.over(current) => continue,
            };
            match step {
                Err(error) => {
                    self.begin_anew(phase);
                    return Err(error);
                }
                Ok(changes) if changes.is_empty() || lock.is_sure(current) => return Ok(changes),
                // This process was held up: first find out whether the lock is still ours.
                Ok(_) => self.rewind(),
            }
        }
    }

    async fn acknowledge(&self, positions: &[i64]) -> Result<(), ChangeFeedError> {
        if positions.is_empty() {
            return Ok(());
        }
        let mut rows = self.swept.of(positions);
        rows.append(&mut self.pending.of(positions));
        self.database.delete_outbox(&rows).await.map_err(feed_error)?;
        self.settle(positions);
        Ok(())
    }

    async fn bury(&self, position: i64, reason: &str) -> Result<(), ChangeFeedError> {
        bury_outbox!(self.database, statements::BURY_LOCKED_OUTBOX, position, reason)?;
        self.settle(&[position]);
        Ok(())
    }

    fn rewind(&self) {
        self.swept.clear();
        self.pending.rewind();
    }

    fn is_active(&self) -> bool {
        self.holder.get().is_some_and(Holder::is_us)
    }
}
