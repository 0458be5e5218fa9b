use std::collections::BTreeMap;

use serde::Serialize;

use super::responses::time;
use crate::entities::Place;
use crate::interactors::{LetterState, ListedLetters, RedrivenLetters};
use crate::repositories::LoggedLetter;

/// What lies on the dead-letter topic. Also what pages show.
#[derive(Serialize)]
pub(super) struct LetterPageResponse {
    open: u64,
    recorded: u64,
    unreadable: u64,
    items: Vec<LetterResponse>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LetterResponse {
    place: String,
    came_from: String,
    set_aside_at: Option<String>,
    reason: String,
    state: &'static str,
    /// What this version still misses in an unreadable one.
    misses: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RedrivenLettersResponse {
    dry_run: bool,
    recorded: u64,
    letters: Vec<String>,
    mails: u64,
    recorded_before: u64,
    left: BTreeMap<String, u64>,
}

impl From<ListedLetters> for LetterPageResponse {
    fn from(listed: ListedLetters) -> Self {
        let ListedLetters { letters, open, recorded, unreadable } = listed;
        Self { open, recorded, unreadable, items: letters.into_iter().map(Into::into).collect() }
    }
}

impl From<(LoggedLetter, LetterState)> for LetterResponse {
    fn from((letter, state): (LoggedLetter, LetterState)) -> Self {
        let (state, misses) = match state {
            LetterState::Open(_) => ("open", None),
            LetterState::Recorded => ("recorded", None),
            LetterState::Unreadable { reason, .. } => ("unreadable", Some(reason)),
        };
        Self {
            place: letter.place.to_string(),
            came_from: letter.letter.received.place.to_string(),
            set_aside_at: letter.set_aside_at.map(time),
            reason: letter.letter.reason,
            state,
            misses,
        }
    }
}

impl RedrivenLettersResponse {
    pub(super) fn new(done: RedrivenLetters, dry_run: bool) -> Self {
        let RedrivenLetters { recorded, mails, known, left } = done;
        Self {
            dry_run,
            recorded: u64::try_from(recorded.len()).unwrap_or(u64::MAX),
            letters: recorded.iter().map(Place::to_string).collect(),
            mails,
            recorded_before: known,
            left,
        }
    }
}
