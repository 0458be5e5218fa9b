//! What has come and is not done yet.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use super::super::position::Position;
use super::entry::{Entry, Origin, RowPlace};
use super::place::{Passed, Place, Within};
use crate::data_sources::sql::RowOfEvent;
use crate::repositories::{CapturedChange, Content};

/// What has come and is not done yet, in its order, and the place up to which everything is done.
///
/// Changes may be done in any order; the place moves on only when all before it is done.
#[derive(Debug)]
pub(super) struct Window {
    items: VecDeque<Item>,
    /// The number of the first item. A change's number is its position.
    first: i64,
    /// How many items from the first on have been returned.
    returned: usize,
    /// How many changes behind those are not done.
    ahead: usize,
    /// How many changes are not done.
    undone: usize,
    /// Up to where the log has been read.
    read: Option<(Arc<str>, u64)>,
    has_passed: bool,
    /// Everything before it is done.
    place: Place,
    /// What has been done since the place was stored.
    since: Since,
}

/// What has been done since the place was stored.
#[derive(Debug, Default)]
pub(super) struct Since {
    /// How many changes.
    pub(super) changes: usize,
    /// Whether anything else was passed that the relay did not write down itself.
    pub(super) is_progress: bool,
    /// Rows of the outbox that are of no more use.
    pub(super) outbox: Vec<RowOfEvent>,
}

#[derive(Debug)]
enum Item {
    Change { content: Content, origin: Origin, at: Option<RowPlace>, is_done: bool },
    Said { row: RowOfEvent, at: RowPlace },
    Passed(Passed),
}

impl Window {
    /// Nothing yet, from that place on. The numbers go on behind `last`.
    pub(super) fn new(place: Place, last: i64) -> Self {
        let items = VecDeque::new();
        Self {
            items,
            first: last + 1,
            returned: 0,
            ahead: 0,
            undone: 0,
            read: None,
            has_passed: false,
            place,
            since: Since::default(),
        }
    }

    /// The greatest number that has been given.
    pub(super) fn last(&self) -> i64 {
        self.first + i64::try_from(self.items.len()).unwrap_or(i64::MAX) - 1
    }

    pub(super) fn push(&mut self, entry: Entry) {
        let item = match entry {
            Entry::Change { content, origin, at } => {
                self.ahead += 1;
                self.undone += 1;
                Item::Change { content, origin, at, is_done: false }
            }
            Entry::Said { row, at } => Item::Said { row, at },
            Entry::Passed(next) => {
                self.read = Some((Arc::clone(&next.file), next.offset));
                if let Some(Item::Passed(passed)) = self.items.back_mut() {
                    return passed.extend(next);
                }
                Item::Passed(next)
            }
        };
        self.items.push_back(item);
    }

    /// How many changes have come that were not returned.
    pub(super) fn unreturned(&self) -> usize {
        self.ahead
    }

    /// Whether nothing has come that is not done.
    pub(super) fn is_done(&self) -> bool {
        self.undone == 0
    }

    /// Whether the log has been read up to there.
    pub(super) fn has_read(&self, end: &Position) -> bool {
        // The number at the end of the name has as many digits as it needs.
        let place = |file: &str, offset| (file.len(), file.to_owned(), offset);
        self.read.as_ref().is_some_and(|(file, offset)| place(file, *offset) >= place(&end.file, end.offset))
    }

    /// Whether the end of a transaction has been passed.
    pub(super) fn has_passed(&self) -> bool {
        self.has_passed
    }

    /// The changes behind those that were returned.
    pub(super) fn next(&mut self, max: usize) -> Vec<CapturedChange> {
        let mut changes = Vec::new();
        while changes.len() < max
            && let Some(item) = self.items.get(self.returned)
        {
            if let Item::Change { content, is_done: false, .. } = item {
                let position = self.first + i64::try_from(self.returned).unwrap_or(i64::MAX);
                changes.push(CapturedChange { position, content: content.clone() });
                self.ahead -= 1;
            }
            self.returned += 1;
        }
        changes
    }

    /// Goes back to the first change that is not done.
    pub(super) fn rewind(&mut self) {
        self.returned = 0;
        self.ahead = self.undone;
    }

    /// The change of that number; `None` when it is done.
    pub(super) fn undone(&self, position: i64) -> Option<(Content, Origin)> {
        match self.items.get(self.index(position)?)? {
            Item::Change { content, origin, is_done: false, .. } => Some((content.clone(), origin.clone())),
            _ => None,
        }
    }

    /// That change is done.
    pub(super) fn settle(&mut self, position: i64) {
        if let Some(index) = self.index(position)
            && let Some(Item::Change { content, origin, is_done, .. }) = self.items.get_mut(index)
            && !mem::replace(is_done, true)
        {
            // It may be kept for long behind one that is not done.
            let content = mem::replace(content, Content::Unreadable(String::new()));
            let id = match content {
                Content::Event(event) => Some(event.metadata.id),
                Content::Newer(event) => Some(event.id),
                Content::Unreadable(_) => None,
            };
            if let (Origin::Outbox { seq }, Some(id)) = (origin, id) {
                self.since.outbox.push((*seq, id));
            }
            self.since.changes += 1;
            self.undone -= 1;
            if index >= self.returned {
                self.ahead -= 1;
            }
        }
    }

    /// Moves the place on over all that is done.
    pub(super) fn advance(&mut self) {
        while let Some(item) =
            self.items.pop_front_if(|item| !matches!(item, Item::Change { is_done: false, .. }))
        {
            self.first += 1;
            self.returned = self.returned.saturating_sub(1);
            let at = match item {
                Item::Change { at, .. } => at,
                Item::Said { row, at } => {
                    self.since.outbox.push(row);
                    Some(at)
                }
                Item::Passed(passed) => {
                    self.has_passed = true;
                    self.since.is_progress |= passed.is_progress;
                    self.place.pass(&passed);
                    None
                }
            };
            if let Some(RowPlace { gtid, events }) = at {
                self.place.within = Some(Within { gtid, events });
            }
        }
    }

    /// Everything before it is done.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn since(&self) -> &Since {
        &self.since
    }

    /// The place as it was then has been stored, and those rows are gone.
    pub(super) fn stored(&mut self, changes: usize, outbox: usize) {
        self.since.changes = self.since.changes.saturating_sub(changes);
        self.since.outbox.drain(..outbox.min(self.since.outbox.len()));
        self.since.is_progress = false;
    }

    fn index(&self, position: i64) -> Option<usize> {
        usize::try_from(position.checked_sub(self.first)?).ok()
    }
}
