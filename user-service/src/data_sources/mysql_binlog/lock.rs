//! One relay is active at a time.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shared_kernel::in_words;
use sqlx::mysql::MySqlConnection;
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use crate::data_sources::MySqlDatabase;
use crate::repositories::ChangeFeedError;

/// A lock ends with its session, and a session that is silent for so many seconds is ended by the server: a process
/// that was stopped, or that is cut off, holds the lock no longer.
const SET_UP: &str = "SET SESSION wait_timeout = 5";

/// A lock of this database's own; a lock's name may have 64 characters, no more than a database's. Does not wait.
const TAKE: &str = "SELECT GET_LOCK(CONCAT('relay.', LEFT(SHA2(DATABASE(), 256), 32)), 0)";

const STILL_MINE: &str =
    "SELECT IS_USED_LOCK(CONCAT('relay.', LEFT(SHA2(DATABASE(), 256), 32))) = CONNECTION_ID()";

/// How often the server hears of us and we of the lock.
const PING_INTERVAL: Duration = Duration::from_secs(1);

/// How often to try to take it.
const TRY_INTERVAL: Duration = Duration::from_millis(500);

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// For so long after a question that was answered "yours" the lock cannot be another's: the server waits for two
/// seconds more before it ends the session.
const SURE_FOR: Duration = Duration::from_secs(3);

/// Which relay is active, as this one knows it.
#[derive(Debug, Clone)]
enum State {
    /// Not asked yet.
    Unknown,
    /// This one, at the moment when the question was sent.
    Held { term: u64, asked: Instant },
    /// Another one.
    Another,
    /// It could not be asked, or the lock is lost, in that term.
    Lost { term: u64, error: Arc<LockError> },
}

#[derive(Debug, Error)]
pub(super) enum LockError {
    #[error("the server could not be asked for the relay's lock")]
    Database(#[source] sqlx::Error),
    #[error("the server took too long to answer about the relay's lock")]
    TimedOut,
    #[error("the relay's lock was lost")]
    Taken,
}

/// The lock of the active relay, held or waited for until it is dropped.
#[derive(Debug)]
pub(super) struct RelayLock {
    state: watch::Receiver<State>,
    /// The last term whose loss was told.
    told: AtomicU64,
    _task: AbortOnDropHandle<()>,
}

impl RelayLock {
    /// Begins to wait for the lock.
    pub(super) fn wait_for(database: MySqlDatabase) -> Self {
        let (sender, state) = watch::channel(State::Unknown);
        let task = AbortOnDropHandle::new(tokio::spawn(keep(database, sender)));
        Self { state, told: AtomicU64::new(0), _task: task }
    }

    /// The number of the term of office that we have, another one each time the lock is taken; `None` when another
    /// relay has it until the deadline. Waits beyond that only for the server's answer. Tells a loss once.
    pub(super) async fn term(&self, deadline: Instant) -> Result<Option<u64>, ChangeFeedError> {
        let mut state = self.state.clone();
        loop {
            let now = state.borrow_and_update().clone();
            match now {
                State::Held { term, asked } if asked.elapsed() < SURE_FOR => return Ok(Some(term)),
                State::Lost { term, error } if self.told.swap(term, Ordering::Relaxed) != term => {
                    return Err(ChangeFeedError::Unavailable(Box::new(error)));
                }
                State::Another => {
                    if tokio::time::timeout_at(deadline, state.changed()).await.is_err() {
                        return Ok(None);
                    }
                }
                State::Unknown | State::Held { .. } | State::Lost { .. } => {
                    // Ends only with the task, which ends only with us.
                    let _closed = state.changed().await;
                }
            }
        }
    }

    /// Whether the lock is surely ours still, in that term.
    pub(super) fn is_sure(&self, of: u64) -> bool {
        matches!(&*self.state.borrow(), State::Held { term, asked } if *term == of && asked.elapsed() < SURE_FOR)
    }

    /// What tells at any time whether the lock is ours.
    pub(super) fn holder(&self) -> Holder {
        Holder(self.state.clone())
    }

    /// Returns when that term is over.
    pub(super) async fn over(&self, of: u64) {
        let mut state = self.state.clone();
        let ended = |state: &State| !matches!(state, State::Held { term, .. } if *term == of);
        let _closed = state.wait_for(ended).await;
    }
}

/// Whether a lock is ours, for those who only want to know.
#[derive(Debug)]
pub(super) struct Holder(watch::Receiver<State>);

impl Holder {
    pub(super) fn is_us(&self) -> bool {
        matches!(&*self.0.borrow(), State::Held { asked, .. } if asked.elapsed() < SURE_FOR)
    }
}

async fn keep(database: MySqlDatabase, state: watch::Sender<State>) {
    for term in 1.. {
        let Err(error) = serve_term(&database, &state, term).await;
        warn!(cause = in_words(&error), "this relay is not active");
        state.send_replace(State::Lost { term, error: Arc::new(error) });
        sleep(PING_INTERVAL).await;
    }
}

/// Waits for the lock and holds it for as long as can be.
async fn serve_term(
    database: &MySqlDatabase,
    state: &watch::Sender<State>,
    term: u64,
) -> Result<Infallible, LockError> {
    let mut connection = database.connect().await.map_err(LockError::Database)?;
    answered(sqlx::query(SET_UP).execute(&mut connection)).await?;
    if !take(&mut connection).await? {
        info!("another relay is active; this one waits to take over");
        state.send_replace(State::Another);
        loop {
            sleep(TRY_INTERVAL).await;
            if take(&mut connection).await? {
                break;
            }
        }
    }
    info!("this relay is active");
    loop {
        let asked = Instant::now();
        let mine: Option<i64> = answered(sqlx::query_scalar(STILL_MINE).fetch_one(&mut connection)).await?;
        if mine != Some(1) {
            return Err(LockError::Taken);
        }
        state.send_replace(State::Held { term, asked });
        sleep(PING_INTERVAL).await;
    }
}

async fn take(connection: &mut MySqlConnection) -> Result<bool, LockError> {
    let taken: Option<i64> = answered(sqlx::query_scalar(TAKE).fetch_one(connection)).await?;
    Ok(taken == Some(1))
}

async fn answered<T>(question: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, LockError> {
    match timeout(ANSWER_WITHIN, question).await {
        Ok(answer) => answer.map_err(LockError::Database),
        Err(_elapsed) => Err(LockError::TimedOut),
    }
}
