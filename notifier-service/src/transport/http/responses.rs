use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::entities::{Attempt, DialogueStage, LedgerEntry, Recipient, StateCounts};
use crate::interactors::{MailHistory, MailPage, Redriven};

#[derive(Serialize)]
pub(super) struct CountsResponse {
    queued: u64,
    sent: u64,
    dead: u64,
    cancelled: u64,
}

/// A mail. Also what pages show.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MailResponse {
    id: String,
    event_id: String,
    user_id: String,
    kind: String,
    recipient: Option<String>,
    state: &'static str,
    is_being_sent: bool,
    attempts: u32,
    requeued: u32,
    has_link: bool,
    recorded_at: String,
    due_at: Option<String>,
    finished_at: Option<String>,
    last_words: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MailPageResponse {
    items: Vec<MailResponse>,
    next_cursor: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MailHistoryResponse {
    #[serde(flatten)]
    pub(super) mail: MailResponse,
    pub(super) attempt_log: Vec<AttemptResponse>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AttemptResponse {
    recorded_at: String,
    outcome: &'static str,
    stage: Option<&'static str>,
    words: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RedrivenResponse {
    dry_run: bool,
    requeued: u64,
    mails: Vec<String>,
    link_expired: u64,
    erased: u64,
    changed_meanwhile: u64,
}

impl From<StateCounts> for CountsResponse {
    fn from(counts: StateCounts) -> Self {
        let StateCounts { queued, sent, dead, cancelled } = counts;
        Self { queued, sent, dead, cancelled }
    }
}

impl From<LedgerEntry> for MailResponse {
    fn from(entry: LedgerEntry) -> Self {
        let is_queued = entry.finished_at.is_none();
        Self {
            id: entry.id.to_string(),
            event_id: entry.event_id.0.to_string(),
            user_id: entry.user_id.0.to_string(),
            kind: entry.kind,
            recipient: entry.recipient.as_ref().map(Recipient::as_str).map(str::to_owned),
            state: entry.state.as_str(),
            is_being_sent: entry.is_being_sent,
            attempts: entry.attempts,
            requeued: entry.requeued,
            has_link: entry.has_link,
            recorded_at: time(entry.recorded_at),
            due_at: is_queued.then(|| time(entry.due_at)),
            finished_at: entry.finished_at.map(time),
            last_words: entry.last_words,
        }
    }
}

impl From<MailPage> for MailPageResponse {
    fn from(page: MailPage) -> Self {
        Self { items: page.entries.into_iter().map(Into::into).collect(), next_cursor: page.next }
    }
}

impl From<MailHistory> for MailHistoryResponse {
    fn from(history: MailHistory) -> Self {
        Self {
            mail: history.entry.into(),
            attempt_log: history.attempts.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Attempt> for AttemptResponse {
    fn from(attempt: Attempt) -> Self {
        Self {
            recorded_at: time(attempt.recorded_at),
            outcome: attempt.outcome.as_str(),
            stage: attempt.stage.map(DialogueStage::as_str),
            words: attempt.words,
        }
    }
}

impl RedrivenResponse {
    pub(super) fn new(done: Redriven, dry_run: bool) -> Self {
        Self {
            dry_run,
            requeued: u64::try_from(done.requeued.len()).unwrap_or(u64::MAX),
            mails: done.requeued.into_iter().map(|id| id.to_string()).collect(),
            link_expired: done.link_expired,
            erased: done.erased,
            changed_meanwhile: done.changed_meanwhile,
        }
    }
}

pub(super) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
