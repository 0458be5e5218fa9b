//! Calls on a broker that overlap.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;
use tokio::sync::{Mutex, MutexGuard};

/// Lets calls take effect in the order in which they began, and none behind one that failed.
///
/// Calls on one connection are a run. When one of them fails or is cancelled, the run is broken: those that began later
/// must not take effect any more, and their callers are told so. Once all of them have returned, the next call begins a
/// run with a connection of its own.
pub(super) struct Overlapping<C: Connection> {
    run: Mutex<Option<Arc<Run<C>>>>,
}

/// What the calls of a run share.
pub(super) trait Connection: Send + Sync {
    /// Gives up what is on its way, so that everybody who waits for it is told.
    fn abort(&self);
}

struct Run<C> {
    connection: C,
    broken: AtomicBool,
}

/// A call's turn to hand over what it has. Whoever began later waits until it is dropped.
pub(super) struct Turn<'a, C: Connection>(MutexGuard<'a, Option<Arc<Run<C>>>>);

/// A call's part in a run, which is broken when it is dropped before it is [done](Self::done).
pub(super) struct Call<C: Connection> {
    run: Arc<Run<C>>,
    done: bool,
}

/// The call cannot take effect, because an earlier one did not.
#[derive(Debug, Error)]
#[error("what came before was not published")]
pub(super) struct Behind;

impl<C: Connection> Overlapping<C> {
    pub(super) fn new() -> Self {
        Self { run: Mutex::new(None) }
    }

    /// Waits for the turns of those that began before.
    pub(super) async fn turn(&self) -> Turn<'_, C> {
        Turn(self.run.lock().await)
    }
}

impl<C: Connection> Turn<'_, C> {
    /// Takes part in the run there is; `None` where a new one has to be [begun](Self::begin).
    pub(super) fn join(&self) -> Result<Option<Call<C>>, Behind> {
        match &*self.0 {
            Some(run) if !run.broken.load(Ordering::Acquire) => {
                Ok(Some(Call { run: run.clone(), done: false }))
            }
            // Held not only here: some of its calls have not returned.
            Some(run) if Arc::strong_count(run) > 1 => Err(Behind),
            _ => Ok(None),
        }
    }

    /// Begins a run on that connection.
    pub(super) fn begin(&mut self, connection: C) -> Call<C> {
        let run = Arc::new(Run { connection, broken: AtomicBool::new(false) });
        *self.0 = Some(run.clone());
        Call { run, done: false }
    }
}

impl<C: Connection> Call<C> {
    pub(super) fn connection(&self) -> &C {
        &self.run.connection
    }

    /// Nothing that began later takes effect from now on.
    pub(super) fn break_run(&self) {
        self.run.broken.store(true, Ordering::Release);
    }

    /// The call took effect.
    pub(super) fn done(mut self) {
        self.done = true;
    }
}

impl<C: Connection> Drop for Call<C> {
    fn drop(&mut self) {
        if !self.done {
            self.break_run();
            self.run.connection.abort();
        }
    }
}
