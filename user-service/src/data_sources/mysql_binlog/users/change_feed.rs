use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use super::super::error::BinlogError;
use super::super::lock::{Holder, RelayLock};
use super::super::position::Position;
use super::super::server::BinlogServer;
use super::burial;
use super::check;
use super::entry::{Entry, Origin};
use super::large_event::LargeEvent;
use super::position_store::{PositionStore, StoredPlace, Sweep};
use super::reader::{Reading, Tail};
use super::session::{Session, Sessions};
use super::start::Start;
use crate::data_sources::MySqlDatabase;
use crate::data_sources::sql::{captured_change, feed_error, statements};
use crate::repositories::{CapturedChange, ChangeFeed, ChangeFeedError};

/// How long a caller who does not want to wait is kept while there is something in the log that has not been read.
const CATCH_UP: Duration = Duration::from_secs(1);

/// Follows the table `users` by the row images of the server's binary log, so that what any other program changes comes
/// as well, in the order of the commits. Of the outbox it takes the requests, which change no user; all else there a
/// row of `users` says as well.
///
/// How far it is, it keeps in the table `relayPosition` (ADR 10): by GTIDs where the server has them, else by file and
/// offset. At the very first it sweeps the outbox, up to a marker of its own, and reads the log from there on.
///
/// A row that cannot be understood comes as such, and is not in the way of those behind it. Of all the feeds on a
/// database, of whichever kind, one is active, and the others' [`next`](ChangeFeed::next) returns nothing until it is gone.
///
/// An interruption is told once, as [`ChangeFeedError::Unavailable`], and the next call goes on from the stored
/// position, so that some changes come again. [`ChangeFeedError::Failed`] is a server that is not set up for this, that
/// refuses the user, or that no longer has what comes behind the position: nothing is skipped in silence. A transaction of
/// the XA protocol is told when it is prepared.
#[derive(Debug)]
pub struct MySqlBinlogUsersChangeFeed {
    database: MySqlDatabase,
    server: Arc<BinlogServer>,
    /// What an event may take up in memory, in bytes.
    largest_event: usize,
    progress: tokio::sync::Mutex<Progress>,
    /// Set once the lock is waited for.
    holder: OnceLock<Holder>,
    sessions: Mutex<Sessions>,
    settled: Notify,
    /// Held while the position is stored.
    storing: tokio::sync::Mutex<()>,
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
    /// The next event may be a large one.
    Begin(Option<LargeEvent>),
    /// In a task of its own, which a caller who is cancelled does not take along.
    Starting(AbortOnDropHandle<Result<Start, BinlogError>>),
    Sweeping(Box<Sweeping>),
    Tailing(Tailing),
}

#[derive(Debug)]
struct Sweeping {
    start: Start,
    sweep: Sweep,
    /// The greatest number that was read. What commits late with a smaller one is in the log behind the marker.
    last: i64,
}

#[derive(Debug)]
struct Tailing {
    tail: Tail,
    /// What ended the log, to be told when everything that came before is done.
    broken: Option<BinlogError>,
}

/// What there is next in the log.
enum Next {
    Changes(Vec<CapturedChange>),
    /// It is to be read on another connection, because of a large event.
    Anew(Option<LargeEvent>),
}

impl MySqlBinlogUsersChangeFeed {
    /// Follows the users of that database, which is at that URL. An event of the log may take up to `largest_event`
    /// bytes of memory.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError::Failed`] when the URL is not one.
    pub fn new(database: MySqlDatabase, url: &str, largest_event: usize) -> Result<Self, ChangeFeedError> {
        Ok(Self {
            database,
            server: Arc::new(BinlogServer::new(url)?),
            largest_event,
            progress: tokio::sync::Mutex::new(Progress { lock: None, term: 0, phase: Phase::Begin(None) }),
            holder: OnceLock::new(),
            sessions: Mutex::default(),
            settled: Notify::new(),
            storing: tokio::sync::Mutex::new(()),
        })
    }

    /// Finds out whether the server is set up for this, lets this user do what is needed, and has what comes behind the
    /// stored position.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError::Failed`] names what is wrong, and the fix; [`ChangeFeedError::Unavailable`] when the server
    /// cannot be asked.
    pub async fn check(&self) -> Result<(), ChangeFeedError> {
        Ok(check::check(&self.server, &self.database).await?)
    }

    /// Forgets the stored position, so that the next feed begins at the present end of the log; whether there was one.
    /// What other programs changed since then is told by nobody.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError`].
    pub async fn forget_position(database: &MySqlDatabase) -> Result<bool, ChangeFeedError> {
        PositionStore::forget(database).await.map_err(feed_error)
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what is not acknowledged: the log has it from the stored position on.
    fn begin_anew(&self, phase: &mut Phase, large: Option<LargeEvent>) {
        *phase = Phase::Begin(large);
        self.sessions().end();
        self.settled.notify_one();
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
                Phase::Begin(large) => {
                    let (server, database) = (self.server.clone(), self.database.clone());
                    let start = Start::new(server, database, large.clone(), self.largest_event);
                    *phase = Phase::Starting(AbortOnDropHandle::new(tokio::spawn(start)));
                }
                Phase::Starting(task) => {
                    let start = task.await.unwrap_or(Err(BinlogError::Ended))?;
                    self.sessions().begin(start.store, start.stored.clone());
                    *phase = match start.stored.sweep {
                        Some(sweep) => Phase::Sweeping(Box::new(Sweeping { start, sweep, last: 0 })),
                        None => self.follow(start),
                    };
                }
                Phase::Sweeping(sweeping) => {
                    let is_over = self.sweep(sweeping, max).await?;
                    if is_over && let Phase::Sweeping(swept) = mem::replace(phase, Phase::Begin(None)) {
                        *phase = self.follow(swept.start);
                    }
                    let changes = self.take_next(max)?;
                    if !changes.is_empty() {
                        return Ok(changes);
                    }
                }
                Phase::Tailing(tailing) => match self.next_of_log(tailing, max, wait, deadline).await? {
                    Next::Changes(changes) => return Ok(changes),
                    Next::Anew(large) => self.begin_anew(phase, large),
                },
            }
        }
    }

    fn follow(&self, start: Start) -> Phase {
        let Start { connection, stored: StoredPlace { place, sweep, .. }, learns_gtids, .. } = start;
        info!(%place, "following the binary log");
        let tail = Tail::begin(Reading {
            server: self.server.clone(),
            connection,
            database: self.database.clone(),
            from: place,
            marker: sweep.map(|sweep| sweep.marker),
            learns_gtids,
        });
        Phase::Tailing(Tailing { tail, broken: None })
    }

    /// Reads on in the outbox, unless there is enough to be returned; whether that was the end.
    async fn sweep(&self, sweeping: &mut Sweeping, max: usize) -> Result<bool, ChangeFeedError> {
        let missing = max.saturating_sub(self.session(|session| session.window.unreturned())?);
        let rows = sqlx::query(statements::OUTBOX_BETWEEN)
            .bind(sweeping.last)
            .bind(sweeping.sweep.through)
            .bind(i64::try_from(missing).unwrap_or(i64::MAX))
            .fetch_all(self.database.readers())
            .await
            .map_err(feed_error)?;
        for row in &rows {
            let CapturedChange { position: seq, content } = captured_change!(row).map_err(feed_error)?;
            let entry = Entry::Change { content, origin: Origin::Outbox { seq }, at: None };
            self.session(|session| session.window.push(entry))?;
            sweeping.last = seq;
        }
        Ok(rows.len() < missing)
    }

    /// What comes by the log. What ended it is told when all that came before is done. Cancelling loses nothing.
    async fn next_of_log(
        &self,
        tailing: &mut Tailing,
        max: usize,
        wait: Duration,
        mut deadline: Instant,
    ) -> Result<Next, ChangeFeedError> {
        let mut target = None;
        loop {
            self.take_up(tailing, max)?;
            let changes = self.take_next(max)?;
            if !changes.is_empty() {
                return Ok(Next::Changes(changes));
            }
            self.store_if_due(wait.is_zero() || tailing.broken.is_some()).await?;
            if tailing.broken.is_some() {
                if self.session(|session| session.window.is_done())? {
                    return match tailing.broken.take() {
                        Some(BinlogError::LargeEvent { file, offset }) => {
                            info!(file, offset, "the next event is a large one");
                            Ok(Next::Anew(Some(LargeEvent { file, offset })))
                        }
                        Some(BinlogError::BehindLargeEvent) => Ok(Next::Anew(None)),
                        error => Err(error.unwrap_or(BinlogError::Ended).into()),
                    };
                }
                match timeout_at(deadline, self.settled.notified()).await {
                    Ok(()) => continue,
                    Err(_elapsed) => return Ok(Next::Changes(vec![])),
                }
            }
            if wait.is_zero() {
                let end = match &target {
                    Some(end) => end,
                    None => {
                        deadline = Instant::now() + CATCH_UP;
                        target.insert(self.end_of_log().await?)
                    }
                };
                if self.session(|session| session.window.has_read(end))? {
                    return Ok(Next::Changes(vec![]));
                }
            }
            let due = self.session(|session| session.next_store())?;
            let until = due.map_or(deadline, |due| due.min(deadline));
            match timeout_at(until, tailing.tail.entries.recv()).await {
                Ok(came) => self.keep(tailing, came)?,
                Err(_elapsed) if Instant::now() < deadline => {}
                Err(_elapsed) => return Ok(Next::Changes(vec![])),
            }
        }
    }

    /// Takes over what has been read, up to so many changes that have not been returned.
    fn take_up(&self, tailing: &mut Tailing, max: usize) -> Result<(), ChangeFeedError> {
        while tailing.broken.is_none() && self.session(|session| session.window.unreturned() < max)? {
            match tailing.tail.entries.try_recv() {
                Ok(came) => self.keep(tailing, Some(came))?,
                Err(_none_yet) => break,
            }
        }
        Ok(())
    }

    fn keep(
        &self,
        tailing: &mut Tailing,
        came: Option<Result<Vec<Entry>, BinlogError>>,
    ) -> Result<(), ChangeFeedError> {
        match came {
            Some(Ok(entries)) => self.session(|session| {
                for entry in entries {
                    session.window.push(entry);
                }
                session.window.advance();
            })?,
            Some(Err(error)) => tailing.broken = Some(error),
            None => tailing.broken = Some(BinlogError::Ended),
        }
        Ok(())
    }

    fn take_next(&self, max: usize) -> Result<Vec<CapturedChange>, ChangeFeedError> {
        self.session(|session| session.window.next(max))
    }

    /// Of this session; it ends when another relay takes the position over.
    fn session<T>(&self, ask: impl FnOnce(&mut Session) -> T) -> Result<T, ChangeFeedError> {
        let mut sessions = self.sessions();
        let session = sessions.current().ok_or(BinlogError::Superseded)?;
        Ok(ask(session))
    }

    async fn end_of_log(&self) -> Result<Position, ChangeFeedError> {
        let mut connection = self.server.connect().await?;
        Ok(Position::now(&mut connection, &self.server.database).await?)
    }

    /// Those need not be returned again.
    async fn settle(&self, positions: &[i64]) -> Result<(), ChangeFeedError> {
        if let Some(session) = self.sessions().current() {
            for position in positions {
                session.window.settle(*position);
            }
            session.window.advance();
        }
        self.settled.notify_one();
        self.store_if_due(false).await
    }

    /// Stores the position when enough has been done since it was last stored; `now` does not wait for more.
    async fn store_if_due(&self, now: bool) -> Result<(), ChangeFeedError> {
        let is_due = |session: &Session| session.is_store_due(Instant::now(), now);
        if !self.sessions().current().is_some_and(|session| is_due(session)) {
            return Ok(());
        }
        let _storing = self.storing.lock().await;
        let Some(todo) =
            self.sessions().current().filter(|session| is_due(session)).map(|session| session.to_store())
        else {
            return Ok(());
        };
        let stored = todo.store.store(&self.database, &todo.place, &todo.outbox).await;
        let mut sessions = self.sessions();
        match &stored {
            Ok(()) => sessions.stored(&todo, Instant::now()),
            Err(BinlogError::Superseded) => {
                warn!("another relay has taken over the stored position, or somebody has forgotten it");
                sessions.end();
            }
            Err(_) => {}
        }
        Ok(stored?)
    }
}

#[async_trait]
impl ChangeFeed for MySqlBinlogUsersChangeFeed {
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
                self.begin_anew(phase, None);
            }
            let Some(current) = current else { return Ok(vec![]) };
            *term = current;
            let step = tokio::select! {
                step = self.step(phase, max, wait, deadline) => step,
                () = lock.over(current) => continue,
            };
            match step {
                Err(error) => {
                    self.begin_anew(phase, None);
                    return Err(error);
                }
                Ok(changes) if changes.is_empty() || lock.is_sure(current) => return Ok(changes),
                // This process was held up: first find out whether the lock is still ours.
                Ok(_) => self.rewind(),
            }
        }
    }

    async fn acknowledge(&self, positions: &[i64]) -> Result<(), ChangeFeedError> {
        self.settle(positions).await
    }

    async fn bury(&self, position: i64, reason: &str) -> Result<(), ChangeFeedError> {
        let dead = self.sessions().current().and_then(|session| session.window.undone(position));
        if let Some((content, origin)) = dead {
            burial::bury(&self.database, &content, &origin, reason).await?;
        }
        self.settle(&[position]).await
    }

    fn rewind(&self) {
        if let Some(session) = self.sessions().current() {
            session.window.rewind();
        }
    }

    fn is_active(&self) -> bool {
        self.holder.get().is_some_and(Holder::is_us)
    }
}
