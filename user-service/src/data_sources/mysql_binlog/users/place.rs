//! How far the log has been read and published.

use std::fmt;
use std::sync::Arc;

use super::gtid::{Gtid, Gtids};

/// A place in the log, between two transactions or within one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The transactions before it, where the server numbers them.
    pub(super) gtids: Option<Gtids>,
    /// Where those end in the files of the server that it was read from.
    pub(super) file: Arc<str>,
    pub(super) offset: u64,
    /// What is done of the transaction that comes then.
    pub(super) within: Option<Within>,
}

/// A part of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Within {
    /// Its GTID. Without one it is the first that comes.
    pub(super) gtid: Option<Arc<str>>,
    /// How many of its events are done, of those that bring rows of the captured tables.
    pub(super) events: u64,
}

/// Transactions that have been read to their end.
#[derive(Debug, Clone)]
pub(super) struct Passed {
    pub(super) gtids: PassedGtids,
    pub(super) file: Arc<str>,
    pub(super) offset: u64,
    /// Whether there was more in them than what the relay itself writes down about its place.
    pub(super) is_progress: bool,
}

/// Mostly it is one transaction, which takes no memory of its own.
#[derive(Debug, Clone)]
pub(super) enum PassedGtids {
    None,
    One(Gtid),
    Many(Gtids),
    /// All that there are up to here, those before included.
    All(Gtids),
}

impl Place {
    pub(super) fn pass(&mut self, passed: &Passed) {
        match (&mut self.gtids, &passed.gtids) {
            (Some(gtids), PassedGtids::One(gtid)) => gtids.add(gtid),
            (Some(gtids), PassedGtids::Many(later)) => gtids.extend(later),
            (gtids, PassedGtids::All(all)) => *gtids = Some(all.clone()),
            _ => {}
        }
        self.file = Arc::clone(&passed.file);
        self.offset = passed.offset;
        self.within = None;
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.gtids {
            Some(gtids) => write!(f, "GTIDs {gtids}"),
            None => write!(f, "{} at {}", self.file, self.offset),
        }
    }
}

impl Passed {
    /// Takes up transactions that were passed next.
    pub(super) fn extend(&mut self, next: Self) {
        let one = |gtid: &Gtid| {
            let mut gtids = Gtids::none_like(gtid);
            gtids.add(gtid);
            gtids
        };
        if let PassedGtids::One(first) = &self.gtids {
            self.gtids = PassedGtids::Many(one(first));
        }
        match (&mut self.gtids, next.gtids) {
            (PassedGtids::Many(gtids) | PassedGtids::All(gtids), PassedGtids::One(gtid)) => gtids.add(&gtid),
            (PassedGtids::Many(gtids) | PassedGtids::All(gtids), PassedGtids::Many(later)) => {
                gtids.extend(&later);
            }
            (_, PassedGtids::None) => {}
            (gtids, later) => *gtids = later,
        }
        self.file = next.file;
        self.offset = next.offset;
        self.is_progress |= next.is_progress;
    }
}
