//! The store: mails in memory, the newest first, the oldest dropped when there are too many.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use axum::body::Bytes;
use chrono::{DateTime, Utc};

use super::message::{Envelope, Summary};

const DEFAULT_MAX_MAILS: usize = 2_000;
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// The mails received so far, in memory.
///
/// Clones share one store. It is bounded: when a mail would be one too many, or would take the sum of the sizes past
/// 256 MB, the oldest go. The newest is always kept.
#[derive(Clone)]
pub struct Mailbox {
    shared: Arc<Mutex<Contents>>,
    max_mails: usize,
}

struct Contents {
    /// When the store was made. Part of ids and revisions, so that neither means something else after a restart.
    epoch: i64,
    /// How many mails were ever received.
    received: u64,
    /// How many times anything changed.
    changes: u64,
    bytes: usize,
    /// The newest at the front.
    entries: VecDeque<Entry>,
}

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) mail: Arc<Mail>,
    pub(super) read: bool,
}

/// A mail as it came, and what a list shows of it.
pub(super) struct Mail {
    pub(super) id: String,
    pub(super) received: DateTime<Utc>,
    pub(super) envelope: Envelope,
    pub(super) raw: Bytes,
    pub(super) summary: Summary,
}

/// A stretch of the list, with the counts that belong to the whole of it.
pub(super) struct Page {
    pub(super) total: usize,
    pub(super) unread: usize,
    pub(super) entries: Vec<Entry>,
}

/// Which mail is asked for.
#[derive(Clone, Copy)]
pub(super) enum Which<'a> {
    Latest,
    Id(&'a str),
}

impl Default for Mailbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Mailbox {
    /// An empty mailbox that keeps the newest 2,000 mails.
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT_MAX_MAILS)
    }

    /// An empty mailbox that keeps the newest `mails` mails, and at least one.
    pub fn with_capacity(mails: usize) -> Self {
        let contents = Contents {
            epoch: received_now().timestamp_millis(),
            received: 0,
            changes: 0,
            bytes: 0,
            entries: VecDeque::new(),
        };
        Self { shared: Arc::new(Mutex::new(contents)), max_mails: mails.max(1) }
    }

    /// Puts a mail in. When this returns, every reader sees it.
    pub(super) fn deliver(&self, envelope: Envelope, raw: Bytes) {
        let received = received_now();
        let summary = Summary::of(&raw, &envelope);
        let mut contents = self.contents();
        contents.received += 1;
        contents.bytes += raw.len();
        let id = format!("{:x}-{}", contents.epoch, contents.received);
        let mail = Arc::new(Mail { id, received, envelope, raw, summary });
        contents.entries.push_front(Entry { mail, read: false });
        while contents.entries.len() > 1
            && (contents.entries.len() > self.max_mails || contents.bytes > MAX_BYTES)
        {
            if let Some(dropped) = contents.entries.pop_back() {
                contents.bytes -= dropped.mail.raw.len();
            }
        }
        contents.changes += 1;
    }

    /// A value that differs whenever a list would.
    pub(super) fn revision(&self) -> String {
        let contents = self.contents();
        format!("{:x}-{}", contents.epoch, contents.changes)
    }

    pub(super) fn page(&self, start: usize, limit: usize) -> Page {
        let contents = self.contents();
        Page {
            total: contents.entries.len(),
            unread: contents.entries.iter().filter(|entry| !entry.read).count(),
            entries: contents.entries.iter().skip(start).take(limit).cloned().collect(),
        }
    }

    pub(super) fn find(&self, which: Which<'_>) -> Option<Arc<Mail>> {
        let contents = self.contents();
        let index = contents.position(which)?;
        contents.entries.get(index).map(|entry| Arc::clone(&entry.mail))
    }

    /// Finds a mail and marks it as read.
    pub(super) fn open(&self, which: Which<'_>) -> Option<Arc<Mail>> {
        let mut contents = self.contents();
        let index = contents.position(which)?;
        let entry = contents.entries.get_mut(index)?;
        let mail = Arc::clone(&entry.mail);
        if !std::mem::replace(&mut entry.read, true) {
            contents.changes += 1;
        }
        Some(mail)
    }

    pub(super) fn delete_all(&self) {
        self.contents().retain(|_| false);
    }

    pub(super) fn delete(&self, ids: &[String]) {
        self.contents().retain(|mail| !ids.contains(&mail.id));
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    fn position(&self, which: Which<'_>) -> Option<usize> {
        match which {
            Which::Latest => (!self.entries.is_empty()).then_some(0),
            Which::Id(id) => self.entries.iter().position(|entry| entry.mail.id == id),
        }
    }

    fn retain(&mut self, keep: impl Fn(&Mail) -> bool) {
        self.entries.retain(|entry| keep(&entry.mail));
        self.bytes = self.entries.iter().map(|entry| entry.mail.raw.len()).sum();
        self.changes += 1;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "when a mail came is told to people only; no rule of the services rests on it"
)]
fn received_now() -> DateTime<Utc> {
    SystemTime::now().into()
}
