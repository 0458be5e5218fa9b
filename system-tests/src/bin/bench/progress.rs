use std::time::Duration;

use crate::clock::now;

/// How often somebody who looks on is told how far it is.
const INTERVAL: Duration = Duration::from_secs(1);

/// Says something on stderr.
pub(crate) fn say(line: impl AsRef<str>) {
    eprintln!("bench: {}", line.as_ref());
}

/// Tells about once a second how far something is.
pub(crate) struct Progress {
    what: String,
    of: u64,
    begun: Duration,
    told: Duration,
    done_then: u64,
}

impl Progress {
    pub(crate) fn new(what: impl Into<String>, of: u64) -> Self {
        Self { what: what.into(), of, begun: now(), told: now(), done_then: 0 }
    }

    /// `done` of all are done.
    pub(crate) fn at(&mut self, done: u64) {
        let (now, passed) = (now(), now().saturating_sub(self.told));
        if passed < INTERVAL {
            return;
        }
        let rate = done.saturating_sub(self.done_then) as f64 / passed.as_secs_f64();
        let Self { what, of, .. } = self;
        let share = done * 100 / (*of).max(1);
        say(format!("{what}: {done} of {of}, {share} %, now {rate:.0} a second"));
        (self.told, self.done_then) = (now, done);
    }

    /// All of it is done.
    pub(crate) fn end(&self) {
        let took = now().saturating_sub(self.begun).as_secs_f64();
        say(format!("{}: all {}, in {took:.1} s", self.what, self.of));
    }
}
