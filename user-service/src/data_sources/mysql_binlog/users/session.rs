//! One run of reading the log, from where the position was taken over to an interruption.

use std::time::Duration;

use tokio::time::Instant;

use super::position_store::{PositionStore, StoredPlace};
use super::window::Window;
use crate::data_sources::sql::RowOfEvent;

/// The position is stored at the latest after so many changes …
const MOST_CHANGES: usize = 5000;

/// … or when so much time has passed since a change was done that came by the log, …
const LONGEST: Duration = Duration::from_millis(200);

/// … or so much, when all that came by were other transactions. So the position does not stay behind where nobody
/// changes users, and what is done is not written down for ever because it is written down.
const LONGEST_WITHOUT_CHANGES: Duration = Duration::from_secs(5);

/// One run of reading the log.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) window: Window,
    store: PositionStore,
    stored: StoredPlace,
    stored_at: Instant,
}

/// The present run, if there is one, and the numbers that were given so far.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    current: Option<Session>,
    last: i64,
}

/// What is to be stored.
#[derive(Debug)]
pub(super) struct ToStore {
    pub(super) store: PositionStore,
    pub(super) place: StoredPlace,
    /// Rows of the outbox to be deleted with it.
    pub(super) outbox: Vec<RowOfEvent>,
    changes: usize,
}

impl Sessions {
    pub(super) fn begin(&mut self, store: PositionStore, stored: StoredPlace) {
        let window = Window::new(stored.place.clone(), self.last);
        self.current = Some(Session { window, store, stored, stored_at: Instant::now() });
    }

    pub(super) fn end(&mut self) {
        if let Some(session) = self.current.take() {
            self.last = session.window.last();
        }
    }

    pub(super) fn current(&mut self) -> Option<&mut Session> {
        self.current.as_mut()
    }

    /// That has been stored, if it is of this run.
    pub(super) fn stored(&mut self, what: &ToStore, at: Instant) {
        if let Some(session) = self.current.as_mut().filter(|session| session.store == what.store) {
            session.window.stored(what.changes, what.outbox.len());
            session.stored.clone_from(&what.place);
            session.stored_at = at;
        }
    }
}

impl Session {
    /// Whether enough has been done; `now` does not wait for more.
    pub(super) fn is_store_due(&self, time: Instant, now: bool) -> bool {
        let since = self.window.since();
        since.changes >= MOST_CHANGES
            || since.outbox.len() >= MOST_CHANGES
            || self.next_store().is_some_and(|due| now || time >= due)
    }

    /// When the position is to be stored if nothing more comes.
    pub(super) fn next_store(&self) -> Option<Instant> {
        let since = self.window.since();
        if since.changes > 0 || !since.outbox.is_empty() {
            return Some(self.stored_at + LONGEST);
        }
        since.is_progress.then(|| self.stored_at + LONGEST_WITHOUT_CHANGES)
    }

    pub(super) fn to_store(&self) -> ToStore {
        let since = self.window.since();
        let place = StoredPlace {
            server: self.stored.server.clone(),
            place: self.window.place().clone(),
            // What is behind the marker comes when all before it is done.
            sweep: self.stored.sweep.filter(|_sweep| !self.window.has_passed()),
        };
        ToStore { store: self.store, place, outbox: since.outbox.clone(), changes: since.changes }
    }
}
