use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::connection::SmtpConnection;

/// Servers commonly hang up on a client that is silent for a minute or more.
const LONGEST_IDLE: Duration = Duration::from_secs(30);

/// Connections that wait for the next mail. How many are open at once is bounded by how many mails are
/// sent at once, so this only bounds how many are kept.
pub(super) struct Pool {
    idle: Mutex<Vec<(Instant, SmtpConnection)>>,
    max_idle: usize,
}

impl Pool {
    pub(super) fn new(max_idle: usize) -> Self {
        Self { idle: Mutex::new(Vec::new()), max_idle }
    }

    /// The connection that was used last, since it is the most likely to be alive. Drops those that were
    /// idle for too long.
    pub(super) fn take(&self) -> Option<SmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(since, _)| since.elapsed() < LONGEST_IDLE);
        idle.pop().map(|(_, connection)| connection)
    }

    /// Keeps a connection on which no mail is begun.
    pub(super) fn put(&self, connection: SmtpConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.max_idle {
            idle.push((Instant::now(), connection));
        }
    }
}
